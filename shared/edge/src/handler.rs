//! The signature of a handler, for [`run`](crate::run) and [`invoke`](crate::invoke).

use protocol::Error;

use crate::{FromRequest, Response};

/// The function behind a route: `async fn handle(state: &S, request: Q) -> Result<R, Error>`, where `R` is a
/// [`Response`] or the [`Reply`](protocol::Reply) of an operation.
///
/// It is implemented for all such functions, so that [`run`](crate::run) and [`invoke`](crate::invoke) need not
/// repeat the bounds.
pub trait Handler<S, Q>: Copy + Send + Sync + 'static {
    /// Calls the function.
    fn call(self, state: &'static S, request: Q) -> impl Future<Output = Result<Response, Error>> + Send + 'static;
}

impl<S, Q, R, F, A> Handler<S, Q> for F
where
    S: Sync + 'static,
    Q: FromRequest,
    R: Into<Response> + 'static,
    F: Fn(&'static S, Q) -> A + Copy + Send + Sync + 'static,
    A: Future<Output = Result<R, Error>> + Send + 'static,
{
    async fn call(self, state: &'static S, request: Q) -> Result<Response, Error> {
        self(state, request).await.map(Into::into)
    }
}
