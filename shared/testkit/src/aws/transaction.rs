//! Transactions, whose items become visible one after the other, and which conflict with other writes.

use std::io;

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::behaviour::Behaviour;
use super::call::{Action, Call, ItemKey, cancelled, consumed, error};
use super::state::{ProxyState, TransactionState};
use crate::wire::Message;

/// One of this number of transactions conflicts with another one, which no client sees.
const CONFLICT_ONE_IN: u32 = 40;
/// The pauses in a transaction, at random places. A long one is like the failover of a coordinator on AWS.
const PAUSES: usize = 3;
const PAUSE_SECONDS: f64 = 0.02;
const LONG_PAUSE_SECONDS: f64 = 2.0;
const LONG_PAUSE_ONE_IN: u32 = 300;

/// Items that a call is writing. They are free again when it is dropped.
pub(super) struct ItemLocks<'a> {
    state: &'a ProxyState,
    keys: Vec<ItemKey>,
}

impl Drop for ItemLocks<'_> {
    fn drop(&mut self) {
        let mut locked = self.state.locked.lock().unwrap();
        locked.retain(|key| !self.keys.contains(key));
    }
}

impl ProxyState {
    /// Locks items.
    ///
    /// # Errors
    /// For each item, whether another call is writing it, if another call is writing any of them.
    pub(super) fn lock(&self, keys: Vec<ItemKey>) -> Result<ItemLocks<'_>, Vec<bool>> {
        let mut locked = self.locked.lock().unwrap();
        let is_locked: Vec<bool> = keys.iter().map(|key| locked.contains(key)).collect();
        if is_locked.contains(&true) {
            return Err(is_locked);
        }
        locked.extend(keys.iter().cloned());
        Ok(ItemLocks { state: self, keys })
    }

    /// Carries out a transaction: checks all of its conditions at one moment, and then writes item by item.
    pub(super) async fn transact(&self, call: &Call, engine: &mut TcpStream) -> io::Result<Message> {
        let token = call.body["ClientRequestToken"].as_str().unwrap_or_default().to_owned();
        match self.begin(&token) {
            Some(TransactionState::Committed) => return Ok(Message::response(200, &json!({}))),
            Some(TransactionState::InProgress) => {
                return Ok(Message::response(400, &error("TransactionInProgressException")));
            }
            None => {}
        }
        let outcome = self.carry_out(call, engine).await;
        let is_committed = outcome.as_ref().is_ok_and(|response| response.status() == 200);
        let mut tokens = self.tokens.lock().unwrap();
        match is_committed {
            true => drop(tokens.insert(token, TransactionState::Committed)),
            false => drop(tokens.remove(&token)),
        }
        outcome
    }

    /// Records that a transaction is in progress, and returns the state that its token had before.
    fn begin(&self, token: &str) -> Option<TransactionState> {
        let mut tokens = self.tokens.lock().unwrap();
        let known = tokens.get(token).copied();
        if known.is_none() {
            tokens.insert(token.to_owned(), TransactionState::InProgress);
        }
        known
    }

    async fn carry_out(&self, call: &Call, engine: &mut TcpStream) -> io::Result<Message> {
        let actions = call.actions();
        let locked = match self.lock(actions.iter().map(Action::key).collect()) {
            Ok(locked) => locked,
            Err(is_locked) => {
                self.note(Behaviour::Conflicts);
                return Ok(conflict(is_locked));
            }
        };
        if self.shows(Behaviour::Conflicts, CONFLICT_ONE_IN) {
            return Ok(conflict((0..actions.len()).map(|number| number == 0)));
        }
        if let Some(response) = self.failed_check(call, &actions, engine).await? {
            return Ok(response);
        }
        let units = self.write_one_by_one(call, &actions, engine).await?;
        drop(locked);
        let capacity = json!([{ "TableName": locked_table(&actions), "CapacityUnits": units }]);
        Ok(Message::response(200, &json!({ "ConsumedCapacity": capacity })))
    }

    /// The response of a transaction whose conditions do not hold.
    async fn failed_check(
        &self,
        call: &Call,
        actions: &[Action],
        engine: &mut TcpStream,
    ) -> io::Result<Option<Message>> {
        let checks: Vec<(usize, Value)> =
            actions.iter().enumerate().filter_map(|(at, action)| Some((at, action.check()?))).collect();
        if checks.is_empty() {
            return Ok(None);
        }
        let items: Vec<&Value> = checks.iter().map(|(_, check)| check).collect();
        let (status, mut response) =
            call.send("TransactWriteItems", &json!({ "TransactItems": items }), engine).await?;
        if status == 200 {
            return Ok(None);
        }
        if let Some(reasons) = response["CancellationReasons"].as_array().cloned() {
            let mut all = vec![json!({ "Code": "None" }); actions.len()];
            for ((at, _), reason) in checks.iter().zip(reasons) {
                all[*at] = reason;
            }
            response["CancellationReasons"] = all.into();
        }
        Ok(Some(Message::response(status, &response)))
    }

    /// Writes the items in a random order with pauses. Returns the units that it consumed.
    async fn write_one_by_one(&self, call: &Call, actions: &[Action], engine: &mut TcpStream) -> io::Result<f64> {
        let mut order: Vec<usize> = (0..actions.len()).collect();
        let pauses: Vec<usize> = {
            let mut random = self.random.lock().unwrap();
            random.shuffle(&mut order);
            (0..PAUSES).map(|_| random.usize(0..actions.len())).collect()
        };
        let mut units = 0.0;
        for (done, at) in order.into_iter().enumerate() {
            if done > 0 && pauses.contains(&done) {
                self.pause().await;
            }
            let action = &actions[at];
            let Some((operation, mut body)) = action.write() else { continue };
            body["ReturnConsumedCapacity"] = "TOTAL".into();
            let moment = self.moment.read().await;
            let (status, response) = call.send(operation, &body, engine).await?;
            drop(moment);
            assert_eq!(status, 200, "the engine refuses {operation} of a transaction: {response}");
            // A transaction takes twice the units.
            let consumed = consumed(&response) * 2.0;
            let key = action.key();
            self.consume_units(&(key.table, key.partition), true, consumed);
            units += consumed;
        }
        Ok(units)
    }

    async fn pause(&self) {
        if self.has(Behaviour::TornTransactions) {
            self.note(Behaviour::TornTransactions);
            let seconds = {
                let mut random = self.random.lock().unwrap();
                let is_long = random.u32(0..LONG_PAUSE_ONE_IN) == 0;
                random.f64() * if is_long { LONG_PAUSE_SECONDS } else { PAUSE_SECONDS }
            };
            self.clock.sleep(seconds).await;
        }
    }
}

fn locked_table(actions: &[Action]) -> String {
    actions.first().map(|action| action.key().table).unwrap_or_default()
}

/// The response to a transaction of which other calls are writing these items.
pub(super) fn conflict(is_locked: impl IntoIterator<Item = bool>) -> Message {
    let codes = is_locked.into_iter().map(|is| if is { "TransactionConflict" } else { "None" });
    Message::response(400, &cancelled(codes))
}
