//! What a function behind a route looks like to [`run`](crate::run) and [`invoke`](crate::invoke).

use protocol::Error;

use crate::{FromRequest, Response};

/// An `async fn handle(state: &S, request: Q) -> Result<R, Error>`, where `R` becomes a [`Response`]: a `Response` itself, or the
/// [`Reply`](protocol::Reply) of an operation.
///
/// Every such function is a handler; nothing else has to implement this.
pub trait Handler<S, Q>: Copy + Send + Sync + 'static {
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
