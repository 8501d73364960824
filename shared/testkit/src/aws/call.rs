//! A call of DynamoDB: its operation, its items, and the messages that forward and answer it.

use std::io;

use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::wire::Message;

/// The key of one item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ItemKey {
    pub(super) table: String,
    pub(super) partition: String,
    sort: String,
}

impl ItemKey {
    /// The key in an item or in the `Key` of a call, in DynamoDB's JSON.
    fn of(table: &str, item: &Value) -> Self {
        let text = |name: &str| item[name]["S"].as_str().expect("a key of texts").to_owned();
        Self { table: table.to_owned(), partition: text("pk"), sort: text("sk") }
    }
}

/// A call as it arrived.
pub(super) struct Call {
    pub(super) message: Message,
    pub(super) operation: String,
    pub(super) body: Value,
}

impl Call {
    pub(super) fn new(message: Message) -> Self {
        let target = message.header("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = serde_json::from_slice(message.body()).unwrap_or_default();
        Self { message, operation, body }
    }

    fn table(&self) -> &str {
        self.body["TableName"].as_str().unwrap_or_default()
    }

    pub(super) fn is_write(&self) -> bool {
        ["Put", "Update", "Delete", "TransactWrite", "BatchWrite"].iter().any(|it| self.operation.starts_with(it))
    }

    /// Whether a repeat of the write could undo a later one.
    pub(super) fn is_unconditional_write(&self) -> bool {
        match self.operation.as_str() {
            "PutItem" | "UpdateItem" | "DeleteItem" => self.body.get("ConditionExpression").is_none(),
            "BatchWriteItem" => true,
            _ => false,
        }
    }

    /// The keys of the items that the call names.
    pub(super) fn keys(&self) -> Vec<ItemKey> {
        match self.operation.as_str() {
            "GetItem" | "UpdateItem" | "DeleteItem" => vec![ItemKey::of(self.table(), &self.body["Key"])],
            "PutItem" => vec![ItemKey::of(self.table(), &self.body["Item"])],
            "TransactGetItems" | "TransactWriteItems" => self.actions().iter().map(Action::key).collect(),
            "BatchGetItem" | "BatchWriteItem" => {
                requested(&self.body).map(|(table, request)| request_key(table, request)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The partitions that the call reads or writes, each with its table.
    pub(super) fn partitions(&self) -> Vec<(String, String)> {
        if self.operation == "Query" {
            let partition = self.body["ExpressionAttributeValues"][":pk"]["S"].as_str().expect("the store's query");
            return vec![(self.table().to_owned(), partition.to_owned())];
        }
        self.keys().into_iter().map(|key| (key.table, key.partition)).collect()
    }

    /// The actions of a transaction.
    pub(super) fn actions(&self) -> Vec<Action> {
        let actions = self.body["TransactItems"].as_array().cloned().unwrap_or_default();
        actions.into_iter().map(Action::new).collect()
    }

    /// Sends another call with the same credentials, and returns the status and the body of its response.
    pub(super) async fn send(&self, operation: &str, body: &Value, engine: &mut TcpStream) -> io::Result<(u16, Value)> {
        let call = self.message.with(operation, body);
        let response = crate::wire::forward(&call, engine).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok((response.status(), serde_json::from_slice(response.body()).unwrap_or_default()))
    }
}

/// The requests of a batch, each with its table: keys to read, or puts and deletes.
pub(super) fn requested(body: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let tables = body["RequestItems"].as_object().into_iter().flatten();
    tables.flat_map(|(table, requests)| {
        let requests = requests.get("Keys").unwrap_or(requests).as_array().into_iter().flatten();
        requests.map(move |request| (table.as_str(), request))
    })
}

/// The key of one request of a batch.
pub(super) fn request_key(table: &str, request: &Value) -> ItemKey {
    let item = request.pointer("/PutRequest/Item").or(request.pointer("/DeleteRequest/Key")).unwrap_or(request);
    ItemKey::of(table, item)
}

/// An action of a transaction: `Get`, `Put`, `Update`, `Delete` or `ConditionCheck`.
pub(super) struct Action {
    kind: String,
    body: Value,
}

impl Action {
    fn new(action: Value) -> Self {
        let (kind, body) = action.as_object().expect("an action").iter().next().expect("a kind of action");
        Self { kind: kind.clone(), body: body.clone() }
    }

    pub(super) fn key(&self) -> ItemKey {
        ItemKey::of(self.body["TableName"].as_str().unwrap_or_default(), self.key_attributes())
    }

    /// The key without other attributes.
    pub(super) fn key_alone(&self) -> Value {
        let key = self.key_attributes();
        json!({ "pk": key["pk"], "sk": key["sk"] })
    }

    /// The values that the action puts or sets; `Null` if it does neither.
    pub(super) fn sent(&self) -> &Value {
        let attribute = if self.kind == "Put" { "Item" } else { "ExpressionAttributeValues" };
        self.body.get(attribute).unwrap_or(&Value::Null)
    }

    fn key_attributes(&self) -> &Value {
        if self.kind == "Put" { &self.body["Item"] } else { &self.body["Key"] }
    }

    /// A check of the action's condition, if it has one.
    pub(super) fn check(&self) -> Option<Value> {
        let condition = self.body.get("ConditionExpression")?;
        let mut check = json!({
            "TableName": self.body["TableName"], "Key": self.key_alone(), "ConditionExpression": condition,
        });
        if let Some(returned) = self.body.get("ReturnValuesOnConditionCheckFailure") {
            check["ReturnValuesOnConditionCheckFailure"] = returned.clone();
        }
        self.add_placeholders(&mut check, condition.as_str().unwrap_or_default());
        Some(json!({ "ConditionCheck": check }))
    }

    /// The operation and the body of the call that carries out the action alone, without its condition.
    pub(super) fn write(&self) -> Option<(&'static str, Value)> {
        let table = &self.body["TableName"];
        match self.kind.as_str() {
            "Put" => Some(("PutItem", json!({ "TableName": table, "Item": self.body["Item"] }))),
            "Delete" => Some(("DeleteItem", json!({ "TableName": table, "Key": self.body["Key"] }))),
            "Update" => {
                let expression = &self.body["UpdateExpression"];
                let mut update = json!({ "TableName": table, "Key": self.body["Key"], "UpdateExpression": expression });
                self.add_placeholders(&mut update, expression.as_str().unwrap_or_default());
                Some(("UpdateItem", update))
            }
            _ => None,
        }
    }

    /// Adds the names and values that an expression uses. DynamoDB refuses those that it does not use.
    fn add_placeholders(&self, body: &mut Value, expression: &str) {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_#:".contains(c);
        let used: Vec<&str> = expression.split(|c| !is_part(c)).collect();
        for attribute in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
            let defined = self.body[attribute].as_object().into_iter().flatten();
            let defined = defined.filter(|(name, _)| used.contains(&name.as_str()));
            let defined: serde_json::Map<String, Value> =
                defined.map(|(name, it)| (name.clone(), it.clone())).collect();
            if !defined.is_empty() {
                body[attribute] = defined.into();
            }
        }
    }
}

/// The capacity units that a response says its call has consumed.
pub(super) fn consumed(response: &Value) -> f64 {
    let capacity = &response["ConsumedCapacity"];
    let all = capacity.as_array().map_or(std::slice::from_ref(capacity), Vec::as_slice);
    all.iter().filter_map(|capacity| capacity["CapacityUnits"].as_f64()).sum()
}

pub(super) fn error(code: &str) -> Value {
    json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "as on AWS" })
}

/// The response to a transaction that is cancelled, with a code for each of its actions.
pub(super) fn cancelled(codes: impl IntoIterator<Item = &'static str>) -> Value {
    let mut body = error("TransactionCanceledException");
    body["CancellationReasons"] = codes.into_iter().map(|code| json!({ "Code": code })).collect();
    body
}
