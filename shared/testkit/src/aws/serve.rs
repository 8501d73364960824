//! The connections of the proxy.

use std::io;
use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::behaviour::Behaviour;
use super::call::{Call, cancelled, error};
use super::state::ProxyState;
use super::transaction::conflict;
use crate::wire::{Message, forward};

/// One of this number of writes without a condition is carried out again.
const DUPLICATE_ONE_IN: u32 = 8;
/// The largest delay between a response and the duplicate of its call.
const DUPLICATE_SECONDS: f64 = 5.0;
/// One of this number of responses ends in the middle.
const CUT_ONE_IN: u32 = 100;

impl ProxyState {
    /// Serves the calls of one connection.
    pub(super) async fn serve(self: Arc<Self>, mut client: TcpStream) -> io::Result<()> {
        let mut engine = TcpStream::connect(&self.engine).await?;
        client.set_nodelay(true)?;
        engine.set_nodelay(true)?;
        while let Some(message) = Message::read(&mut client).await? {
            let call = Call::new(message);
            let response = self.response(&call, &mut engine).await?;
            if self.shows(Behaviour::CutResponses, CUT_ONE_IN) {
                let end = response.bytes.len() - response.body().len() / 2;
                return client.write_all(&response.bytes[..end]).await;
            }
            client.write_all(&response.bytes).await?;
            let is_last = call.message.header("connection").is_some_and(|it| it.eq_ignore_ascii_case("close"));
            if response.status() == 200 && call.is_unconditional_write() {
                self.duplicate_later(call);
            }
            if is_last {
                break;
            }
        }
        Ok(())
    }

    async fn response(&self, call: &Call, engine: &mut TcpStream) -> io::Result<Message> {
        if let Some(refused) = self.throttled(call) {
            return Ok(Message::response(400, &refused));
        }
        if call.operation == "TransactWriteItems" && self.is_too_large(call, engine).await? {
            let refused = ["ValidationError"].into_iter().chain(std::iter::repeat("None"));
            return Ok(Message::response(400, &cancelled(refused.take(call.keys().len()))));
        }
        let is_by_item = self.has(Behaviour::TornTransactions) || self.has(Behaviour::Conflicts);
        if call.operation == "TransactWriteItems" && is_by_item {
            return self.transact(call, engine).await;
        }
        let is_read_together = call.operation == "TransactGetItems";
        let keys = if is_by_item && (call.is_write() || is_read_together) { call.keys() } else { Vec::new() };
        let _locked = match self.lock(keys) {
            Ok(locked) => locked,
            Err(is_locked) => {
                self.note(Behaviour::Conflicts);
                let single = || Message::response(400, &error("TransactionConflictException"));
                return Ok(if is_read_together { conflict(is_locked) } else { single() });
            }
        };
        let _moment = self.moment.read().await;
        if call.operation.starts_with("Batch") { self.batch(call, engine).await } else { self.pass(call, engine).await }
    }

    async fn pass(&self, call: &Call, engine: &mut TcpStream) -> io::Result<Message> {
        let response = forward(&call.message, engine).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.consume(call, &response);
        Ok(response)
    }

    /// Carries out a write again after a while, as if its first attempt had been lost in the network until now.
    fn duplicate_later(self: &Arc<Self>, call: Call) {
        if !self.shows(Behaviour::LateDuplicates, DUPLICATE_ONE_IN) {
            return;
        }
        let state = self.clone();
        tokio::spawn(async move {
            let seconds = state.random.lock().unwrap().f64() * DUPLICATE_SECONDS;
            state.clock.sleep(seconds).await;
            let mut engine = TcpStream::connect(&state.engine).await?;
            let _moment = state.moment.read().await;
            forward(&call.message, &mut engine).await
        });
    }
}
