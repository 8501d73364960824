//! How each operation scales with the directory: milliseconds and throughput, by the number of users of a tenant. A
//! second tenant with few users in the same table shows how the engine itself slows down. Then the same for groups,
//! by their number of members. Prints tables in Markdown.
//!
//!     cargo bench -p benchmarks --bench growth    on the embedded engine
//!     DYNAMODB_ENDPOINT=http://127.0.0.1:8000 cargo bench -p benchmarks --bench growth
//!     GROWTH_SIZES=1000,10000 cargo bench -p benchmarks --bench growth

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed benchmark panics, and a benchmark prints its tables"
)]

mod groups;
mod operation;
mod report;
mod tenant;

use std::time::Instant;

use store::{Connection, Credentials, Directory};

use crate::operation::UserOperation;
use crate::report::Figures;
use crate::tenant::GrowingTenant;

/// The users of the tenant that does not grow.
const FEW: usize = 1000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let users = sizes("GROWTH_SIZES", "1000,10000,100000,1000000");
    runtime.block_on(run(&users, &sizes("GROWTH_GROUPS", "10,100,1000,10000,100000")));
}

fn sizes(variable: &str, default: &str) -> Vec<usize> {
    let sizes = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    sizes.split(',').map(|size| size.parse().unwrap_or_else(|_| panic!("{variable} are numbers"))).collect()
}

async fn run(sizes: &[usize], groups: &[usize]) {
    let connection = Connection {
        endpoint: Some(testkit::engine().to_owned()),
        table: format!("growth-{:016x}", fastrand::u64(..)),
        credentials: Credentials::Key("local".to_owned()),
    };
    let directory: &'static Directory = Box::leak(Box::new(Directory::connect(connection).await.unwrap()));
    directory.create_table().await.unwrap();
    let mut large = GrowingTenant::new("large", directory);
    let mut small = GrowingTenant::new("small", directory);
    small.grow(FEW).await;
    let mut all: Vec<Figures> = Vec::new();
    for size in sizes {
        let begun = Instant::now();
        large.grow(*size).await;
        println!("\n{size} users, loaded in {:.0?}\n", begun.elapsed());
        let mut figures = Figures { size: *size, rows: Vec::new() };
        for operation in UserOperation::ALL {
            let of_large = large.measure(operation).await;
            let of_small = small.measure(operation).await;
            figures.rows.push((operation, of_large, of_small));
        }
        figures.print();
        all.push(figures);
    }
    report::growth(&all);
    groups::measure(&large, groups).await;
}
