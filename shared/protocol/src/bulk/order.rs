//! The order of execution (RFC 7644 §3.7, §3.7.1): the order of the request, except that an operation waits for the
//! resources that it refers to, and later operations on the same resource wait with it.

use std::collections::HashMap;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use schema::Kind;

use super::{BulkRequest, Method, Operation};

/// A step of the execution; operations are given by their index in the request.
#[derive(Debug, PartialEq, Eq)]
pub enum ExecutionStep {
    One(usize),
    /// POSTs that refer to each other in a cycle, or a POST that refers to itself.
    Cycle(Vec<usize>),
}

impl BulkRequest {
    /// The operations that create resources with a bulkId, by bulkId.
    pub fn definitions(&self) -> HashMap<&str, usize> {
        let definition = |(at, operation)| Operation::created_bulk_id(operation).map(|bulk_id| (bulk_id, at));
        self.operations.iter().enumerate().filter_map(definition).collect()
    }
}

/// The steps of a request in their order. An operation that precedes one that it refers to runs right after that
/// one.
pub fn order(bulk: &BulkRequest) -> Vec<ExecutionStep> {
    let graph = dependencies(bulk);
    // The position of an operation: the index of the last operation that it waits for, and the length of the chain
    // of waits.
    let mut positions: HashMap<NodeIndex, (usize, usize)> = HashMap::new();
    let mut steps = Vec::new();
    // Components come in topological order: an operation follows everything that it depends on.
    for mut cycle in tarjan_scc(&graph) {
        cycle.sort_unstable();
        let needed = cycle.iter().flat_map(|node| graph.neighbors(*node)).filter_map(|node| positions.get(&node));
        let waits = needed.map(|(last, waits)| (*last, waits + 1));
        let own = cycle.iter().map(|node| (node.index(), 0));
        let position = own.chain(waits).max().unwrap_or_default();
        positions.extend(cycle.iter().map(|node| (*node, position)));
        let step = match cycle.as_slice() {
            [alone] if !graph.contains_edge(*alone, *alone) => ExecutionStep::One(alone.index()),
            _ => ExecutionStep::Cycle(cycle.iter().map(|node| node.index()).collect()),
        };
        steps.push((position, cycle.first().map(|node| node.index()), step));
    }
    steps.sort_by_key(|(position, first, _)| (*position, *first));
    steps.into_iter().map(|(_, _, step)| step).collect()
}

/// The dependencies of operations: an edge leads from an operation to each operation that it refers to, and to the
/// previous operation on the same resource.
fn dependencies(bulk: &BulkRequest) -> DiGraph<(), ()> {
    let definitions = bulk.definitions();
    let mut graph = DiGraph::with_capacity(bulk.operations.len(), 0);
    let nodes: Vec<NodeIndex> = bulk.operations.iter().map(|_| graph.add_node(())).collect();
    for (node, operation) in nodes.iter().zip(&bulk.operations) {
        let needed = operation.references.iter().filter_map(|reference| definitions.get(reference.bulk_id.as_str()));
        for needed in needed.filter_map(|at| nodes.get(*at)) {
            graph.add_edge(*node, *needed, ());
        }
    }
    let mut last: HashMap<(Kind, &str), NodeIndex> = HashMap::new();
    for (node, operation) in nodes.iter().zip(&bulk.operations) {
        let Some(call) = operation.call.as_ref().ok().filter(|call| call.method != Method::Create) else { continue };
        if let Some(before) = last.insert((call.kind, &call.id), *node) {
            graph.add_edge(*node, before, ());
        }
    }
    graph
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::parse::tests::bulk;
    use super::*;

    /// Operations as `name: names that it refers to`; without a name, a PATCH.
    fn check(operations: &[&str], expect: &str) {
        let operation = |(at, text): (usize, &&str)| {
            let (name, needs) = text.split_once(':').unwrap();
            let members: Vec<Value> =
                needs.split_whitespace().map(|name| json!({"value": format!("bulkId:{name}")})).collect();
            match name {
                "" => {
                    json!({"method": "PATCH", "path": format!("/Groups/{at}"),
                        "data": {"Operations": [{"path": "members", "value": members}]}})
                }
                _ => json!({"method": "POST", "path": "/Groups", "bulkId": name, "data": {"members": members}}),
            }
        };
        let operations: Vec<Value> = operations.iter().enumerate().map(operation).collect();
        let steps = order(&bulk(&Value::Array(operations.clone())));
        let shown: Vec<String> = steps
            .iter()
            .map(|step| match step {
                ExecutionStep::One(at) => at.to_string(),
                ExecutionStep::Cycle(cycle) => format!("{cycle:?}").replace(' ', ""),
            })
            .collect();
        assert_eq!(shown.join(" "), expect, "{operations:?}");
    }

    #[test]
    fn referenced_operations_run_first_and_others_keep_their_order() {
        check(&[], "");
        check(&["a:", "b:", ":", "c:"], "0 1 2 3");
        check(&["a:", "b:a", ":a b"], "0 1 2");
        check(&["a:c", "b:", "c:", "d:"], "1 2 0 3");
        check(&["a:b", "b:c", "c:d", "d:", "e:"], "3 2 1 0 4");
        check(&[":x", ":y", ":x", "x:", "y:", ":"], "3 0 2 4 1 5");
        check(&["a:nobody", ":nobody"], "0 1");
    }

    #[test]
    fn changes_of_one_resource_stay_in_order() {
        let patch = |id: &str, members: Value| {
            json!({"method": "PATCH", "path": format!("/Groups/{id}"),
                "data": {"Operations": [{"op": "replace", "path": "members", "value": members}]}})
        };
        let user = json!({"method": "POST", "path": "/Users", "bulkId": "u", "data": {}});
        let put = json!({"method": "PUT", "path": "/Groups/1", "data": {}});
        let operations =
            json!([patch("1", json!(["bulkId:u"])), patch("1", json!([])), patch("2", json!([])), put, user]);
        assert_eq!(order(&bulk(&operations)), [2, 4, 0, 1, 3].map(ExecutionStep::One));
    }

    #[test]
    fn cycle_is_one_step() {
        check(&["a:b", ":", "b:a", ":"], "1 [0,2] 3");
        check(&["a:b", "b:c", "c:a"], "[0,1,2]");
        check(&["a:a", "b:"], "[0] 1");
        check(&[":a", "a:b x", "b:a", "x:", ":"], "3 [1,2] 0 4");
        check(&["a:b", "b:a c", "c:d", "d:c"], "[2,3] [0,1]");
    }

    #[test]
    fn thousand_operations_in_a_cycle_are_ordered_quickly() {
        let members: Vec<Value> = (0..1000).map(|at| json!({"value": format!("bulkId:{at}")})).collect();
        let operation = |at: usize| {
            json!({"method": "POST", "path": "/Groups", "bulkId": at.to_string(),
                "data": {"members": members[..100]}})
        };
        let chain = |at: usize| {
            json!({"method": "POST", "path": "/Groups", "bulkId": at.to_string(),
                "data": {"members": [format!("bulkId:{}", at + 1)]}})
        };
        assert_eq!(order(&bulk(&(0..1000).map(operation).collect())).len(), 901);
        let steps = order(&bulk(&(0..1000).map(chain).collect()));
        assert_eq!((steps.first(), steps.last()), (Some(&ExecutionStep::One(999)), Some(&ExecutionStep::One(0))));
    }
}
