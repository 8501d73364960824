//! Checks the token of a request, for the authorizer.

use std::fmt;

use protocol::{Caller, Error, token};
use schema::Leniency;
use store::Directory;

use super::metadata::TokenState;
use crate::clock::now_seconds;
use crate::error::to_client_error;

/// The reason why a token is rejected. It is for the log; the response is the same for every reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RefusalReason {
    Malformed,
    UnknownId,
    WrongSecret,
    /// The token has expired or was revoked.
    Ended(TokenState),
    /// The header has no `Bearer` scheme, and the dialect of the token is not lenient.
    MissingScheme,
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("malformed"),
            Self::UnknownId => f.write_str("unknown"),
            Self::WrongSecret => f.write_str("wrong secret"),
            Self::Ended(state) => state.fmt(f),
            Self::MissingScheme => f.write_str("missing Bearer scheme"),
        }
    }
}

/// The caller whose token is in an `Authorization` header; `None` for every invalid token, whose reason is only
/// logged.
///
/// # Errors
/// The errors of the store.
pub async fn authorize(directory: &Directory, authorization: &str) -> Result<Option<Caller>, Error> {
    let Some(presented) = token::parse(authorization) else {
        return Ok(refuse(None, RefusalReason::Malformed));
    };
    let id = Some(presented.id.as_str());
    let Some(token) = directory.get_token(&presented.id).await.map_err(to_client_error)? else {
        return Ok(refuse(id, RefusalReason::UnknownId));
    };
    if !presented.matches(&token.hash) {
        return Ok(refuse(id, RefusalReason::WrongSecret));
    }
    let now = now_seconds();
    let state = TokenState::of(&token, now);
    if state != TokenState::Active {
        return Ok(refuse(id, RefusalReason::Ended(state)));
    }
    let caller = Caller::from_context(&token.tenant, &token.id, &token.scopes, Some(&token.dialect));
    let tolerates = |caller: &Caller| caller.dialect.tolerate(Leniency::BareTokens, "Authorization").is_ok();
    if presented.has_no_scheme && !caller.as_ref().is_some_and(tolerates) {
        return Ok(refuse(id, RefusalReason::MissingScheme));
    }
    // A valid token is accepted even if its use cannot be recorded.
    if let Err(error) = directory.touch_token(&token, now).await {
        tracing::warn!(cause = %error, id = token.id, "failed to record the last use of a token");
    }
    Ok(caller)
}

fn refuse(id: Option<&str>, reason: RefusalReason) -> Option<Caller> {
    tracing::info!(id, %reason, "refused a token");
    None
}
