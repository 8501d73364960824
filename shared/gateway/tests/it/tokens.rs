//! The life of a token: its issue, its rotation and its revocation, and the tokens that the authorizer accepts.

use service::tokens::{
    IssueRequest, ListRequest, RevokeRequest, RotateRequest, TokenState, authorize, issue, list, revoke, rotate,
};

use crate::directory::directory;

pub(crate) fn wish(tenant: &str, scopes: Option<&str>) -> IssueRequest {
    let scopes = scopes.map(str::to_owned);
    IssueRequest { tenant: tenant.to_owned(), label: "Okta".to_owned(), expires_in_days: None, scopes, dialect: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn token_works_from_issue_to_revocation() {
    let (directory, _engine) = directory().await;
    let first = issue(directory, wish("acme", None)).await.unwrap();
    let other = issue(directory, wish("other", Some("read"))).await.unwrap();
    let caller = authorize(directory, &format!("bearer {}", first.token)).await.unwrap().unwrap();
    assert_eq!((caller.tenant.as_str(), &caller.token), ("acme", &first.metadata.id));
    assert!(caller.scopes.read && caller.scopes.write);
    let caller = authorize(directory, &other.token).await.unwrap().unwrap();
    assert!(caller.scopes.read && !caller.scopes.write);

    let rotate_first =
        |hours| RotateRequest { id: first.metadata.id.clone(), overlap_hours: Some(hours), expires_in_days: None };
    let second = rotate(directory, rotate_first(1)).await.unwrap();
    assert_eq!((&second.metadata.tenant, &second.metadata.label), (&first.metadata.tenant, &first.metadata.label));
    for token in [&first.token, &second.token] {
        assert!(authorize(directory, token).await.unwrap().is_some());
    }
    let third = rotate(directory, rotate_first(0)).await.unwrap();
    assert!(
        authorize(directory, &first.token).await.unwrap().is_none(),
        "without an overlap, the rotated token has expired"
    );
    assert!(rotate(directory, rotate_first(0)).await.is_err(), "an expired token has no successor");

    let revoked = revoke(directory, RevokeRequest { id: second.metadata.id.clone() }).await.unwrap();
    assert_eq!(revoked.state, TokenState::Revoked);
    assert!(authorize(directory, &second.token).await.unwrap().is_none());
    assert!(authorize(directory, &third.token).await.unwrap().is_some());
    let listed = list(directory, ListRequest { tenant: "acme".to_owned() }).await.unwrap().tokens;
    let mut states: Vec<_> = listed.iter().map(|token| (token.id.as_str(), token.state)).collect();
    states.sort_unstable_by_key(|(id, _)| *id);
    let mut expect = vec![
        (first.metadata.id.as_str(), TokenState::Expired),
        (&second.metadata.id, TokenState::Revoked),
        (&third.metadata.id, TokenState::Active),
    ];
    expect.sort_unstable_by_key(|(id, _)| *id);
    assert_eq!(states, expect);
}

/// The id and the checksum of a token are not secret. A token that has the correct id and checksum but another
/// secret is rejected.
#[tokio::test(flavor = "multi_thread")]
async fn token_with_another_secret_is_refused() {
    let (directory, _engine) = directory().await;
    let [good, forged] = [2, 3].map(|secret| protocol::token::generate([1; 8], [secret; 32]));
    assert_eq!(good.id, forged.id);
    let about = store::Token {
        id: good.id.clone(),
        hash: good.hash(),
        tenant: "acme".to_owned(),
        scopes: "read write".to_owned(),
        dialect: "lenient".to_owned(),
        label: "Okta".to_owned(),
        created: 0,
        expires_at: u64::from(u32::MAX),
        last_used: None,
        revoked_at: None,
        successor: None,
    };
    directory.put_token(&about).await.unwrap();
    assert!(authorize(directory, &format!("Bearer {good}")).await.unwrap().is_some());
    assert!(authorize(directory, &format!("Bearer {forged}")).await.unwrap().is_none());
}

/// A successor has the lifetime that its predecessor was issued with, and the overlap does not extend the
/// predecessor's.
#[tokio::test(flavor = "multi_thread")]
async fn rotation_extends_no_lifetime() {
    let (directory, _engine) = directory().await;
    let first =
        issue(directory, IssueRequest { expires_in_days: Some(1), ..wish("acme", None) }).await.unwrap().metadata;
    let rotation = RotateRequest { id: first.id.clone(), overlap_hours: Some(30 * 24), expires_in_days: None };
    let next = rotate(directory, rotation).await.unwrap().metadata;
    let listed = list(directory, ListRequest { tenant: "acme".to_owned() }).await.unwrap().tokens;
    let old = listed.iter().find(|token| token.id == first.id).unwrap();
    assert_eq!(old.expires_at, first.expires_at);
    let instant = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    assert_eq!(instant(&next.expires_at).duration_since(instant(&next.created)).as_secs(), 24 * 60 * 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn successor_keeps_the_dialect_and_a_strict_token_needs_its_scheme() {
    let (directory, _engine) = directory().await;
    let strict =
        issue(directory, IssueRequest { dialect: Some("strict".to_owned()), ..wish("acme", None) }).await.unwrap();
    let next = RotateRequest { id: strict.metadata.id.clone(), overlap_hours: None, expires_in_days: None };
    let next = rotate(directory, next).await.unwrap();
    let dialects = list(directory, ListRequest { tenant: "acme".to_owned() }).await.unwrap().tokens;
    assert_eq!(dialects.into_iter().map(|token| token.dialect).collect::<Vec<_>>(), ["strict", "strict"]);
    let caller = authorize(directory, &format!("Bearer {}", next.token)).await.unwrap().unwrap();
    assert!(!caller.dialect.is_lenient() && authorize(directory, &next.token).await.unwrap().is_none());
    let lenient = issue(directory, wish("acme", None)).await.unwrap();
    assert_eq!(lenient.metadata.dialect, "lenient");
    let caller = authorize(directory, &lenient.token).await.unwrap().unwrap();
    let used: Vec<&str> = caller.dialect.used().map(|leniency| leniency.info().name).collect();
    assert_eq!(used, ["bareTokens"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_token_request_is_rejected() {
    let (directory, _engine) = directory().await;
    for (request, says) in [
        (wish("Acme", None), "The tenant must be"),
        (wish("acme", Some("admin")), "`admin` is not a scope"),
        (wish("acme", Some("")), "a token needs"),
        (IssueRequest { label: " ".to_owned(), ..wish("acme", None) }, "The label must be"),
        (IssueRequest { label: "é".repeat(129), ..wish("acme", None) }, "The label must be"),
        (IssueRequest { label: "a\nb".to_owned(), ..wish("acme", None) }, "The label must be"),
        (
            IssueRequest { dialect: Some("Strict".to_owned()), ..wish("acme", None) },
            "The dialect must be `lenient`, `strict` or `interop`",
        ),
        (IssueRequest { expires_in_days: Some(3651), ..wish("acme", None) }, "expiresInDays must be 1 to 3650"),
    ] {
        let problem = issue(directory, request).await.map(drop).unwrap_err().to_string();
        assert!(problem.contains(says), "{problem}");
    }
    assert!(issue(directory, IssueRequest { label: "é".repeat(128), ..wish("acme", None) }).await.is_ok());
    let unknown = RevokeRequest { id: "00000000000".to_owned() };
    assert_eq!(revoke(directory, unknown).await.unwrap_err().status(), 404);
    for header in ["", "Bearer", "non-token", "Basic eDp5"] {
        assert!(authorize(directory, header).await.unwrap().is_none(), "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn authorizer_returns_503_without_its_store() {
    let (directory, engine) = directory().await;
    let token = issue(directory, wish("acme", None)).await.unwrap().token;
    drop(engine);
    let error = authorize(directory, &token).await.unwrap_err();
    assert_eq!(error.status(), 503);
}
