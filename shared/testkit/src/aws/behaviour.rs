//! The behaviours of DynamoDB on AWS that a proxy can show.

/// A behaviour that DynamoDB has on AWS, and engines on one machine do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Behaviour {
    /// Each partition key has the throughput of one partition, and calls beyond it are throttled.
    Throughput,
    /// The items of a transaction become visible one after the other, in any order.
    TornTransactions,
    /// Writes of an item that a transaction holds conflict with it; some transactions conflict with nothing that this
    /// client can see.
    Conflicts,
    /// A write without a condition is carried out once more, some time after its response.
    LateDuplicates,
    /// A response ends in the middle of its body.
    CutResponses,
    /// A transaction is refused if its items have more than 4 MB, as they are stored and as they are sent.
    TransactionSize,
}

impl Behaviour {
    pub const ALL: [Self; 6] = [
        Self::Throughput,
        Self::TornTransactions,
        Self::Conflicts,
        Self::LateDuplicates,
        Self::CutResponses,
        Self::TransactionSize,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::TornTransactions => "torn-transactions",
            Self::Conflicts => "conflicts",
            Self::LateDuplicates => "late-duplicates",
            Self::CutResponses => "cut-responses",
            Self::TransactionSize => "transaction-size",
        }
    }

    /// The behaviours in a list of names, such as `throughput,conflicts`; `all` names all of them.
    pub fn parse(names: &str) -> Vec<Self> {
        if names == "all" {
            return Self::ALL.to_vec();
        }
        let find = |name: &str| Self::ALL.into_iter().find(|behaviour| behaviour.name() == name);
        names
            .split(',')
            .map(|name| find(name).unwrap_or_else(|| panic!("no behaviour has the name {name:?}")))
            .collect()
    }
}
