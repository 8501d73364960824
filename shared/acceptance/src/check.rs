//! Defines checks and what they need from a target.

use crate::protocol::extensions;
use crate::retry;
use crate::target::Target;

/// One check of a target.
#[derive(Debug)]
pub struct Check {
    /// The path of its function, such as `protocol::users::password_is_never_returned`.
    pub name: &'static str,
    /// The needs of the check. It is skipped if the target does not meet them.
    pub needs: &'static [Needs],
    pub(crate) function: fn(&Target),
}

/// Something that not every target offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// The directory is empty when the check starts, and no other client uses it.
    EmptyDirectory,
    /// A strict token, which rejects requests that deviate from the RFCs.
    StrictToken,
    /// A token of another tenant of the same server.
    OtherTenantToken,
    /// HTTP without TLS, because the check writes bytes to a socket.
    PlainHttp,
    /// A client that does not repeat requests, because the check counts the responses to racing requests.
    SingleAnswers,
    /// A base URL that ends with the version, `/v2`.
    VersionedUrl,
    /// The schemas in this crate's folder `extensions`.
    ExampleExtensions,
    /// A folder of recorded exchanges.
    Recordings,
}

impl Check {
    /// The name of the check's module, such as `protocol::users`.
    #[must_use]
    pub fn module(&self) -> &'static str {
        self.name.rsplit_once("::").map_or("", |(module, _)| module)
    }

    /// Whether the check needs an empty directory that no other client uses.
    #[must_use]
    pub fn is_exclusive(&self) -> bool {
        self.needs.contains(&Needs::EmptyDirectory)
    }

    /// The reason why the check cannot run against the target, or `None` if it can.
    pub(crate) fn missing(&self, target: &Target) -> Option<String> {
        self.needs.iter().find_map(|needs| needs.missing(target))
    }

    /// Runs the check.
    ///
    /// # Panics
    ///
    /// If the target fails the check.
    pub(crate) fn run(&self, target: &Target) {
        if target.repeats_requests && !self.is_exclusive() {
            retry::repeat_if_deferred(|| (self.function)(target));
        } else {
            (self.function)(target);
        }
    }
}

impl Needs {
    fn missing(self, target: &Target) -> Option<String> {
        let unless = |is_there: bool, reason: &str| (!is_there).then(|| reason.to_owned());
        match self {
            Self::EmptyDirectory if !target.is_exclusive => {
                Some("needs an empty directory that no other client uses (--empty-directory)".to_owned())
            }
            Self::EmptyDirectory => target.resources_found(),
            Self::StrictToken => unless(target.strict_token.is_some(), "needs a strict token (--strict-token)"),
            Self::OtherTenantToken => {
                unless(target.other_tenant_token.is_some(), "needs a token of another tenant (--other-tenant-token)")
            }
            Self::PlainHttp => unless(target.base_url.starts_with("http://"), "needs a base URL without TLS"),
            Self::VersionedUrl => unless(target.base_url.ends_with("/v2"), "needs a base URL that ends with /v2"),
            Self::SingleAnswers => unless(
                !target.repeats_requests,
                "counts the answers to racing requests, but --repeat sends deferred requests again",
            ),
            Self::ExampleExtensions => unless(
                extensions::are_built_in(target),
                "needs a server that was built with the schemas of shared/acceptance/extensions",
            ),
            Self::Recordings => {
                unless(target.recordings.is_some(), "needs a folder of recorded exchanges (--recordings)")
            }
        }
    }
}

/// Lists the checks of a module: `checks![name, other_name: EmptyDirectory PlainHttp]`. A check that is not listed
/// is dead code, which the compiler reports.
macro_rules! checks {
    ($($name:ident $(: $($needs:ident)+)?),+ $(,)?) => {
        pub(crate) const CHECKS: &[$crate::Check] = &[$(
            $crate::Check {
                name: concat!(module_path!(), "::", stringify!($name)).split_at("acceptance::".len()).1,
                needs: &[$($($crate::Needs::$needs),+)?],
                function: $name,
            },
        )+];
    };
}
