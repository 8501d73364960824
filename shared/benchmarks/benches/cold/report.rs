//! The table of all functions.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use crate::function::Function;
use crate::sample::{Sample, median};

/// The memory sizes in megabytes. `None` stands for a whole core.
pub(crate) const SIZES: [Option<u32>; 4] = [None, Some(512), Some(256), Some(128)];

/// The figures of one function.
pub(crate) struct FunctionReport {
    pub(crate) function: Function,
    /// Megabytes of the program, and compressed as for a deployment.
    size: [f64; 2],
    /// The samples of each memory size.
    pub(crate) samples: [Vec<Sample>; SIZES.len()],
}

impl FunctionReport {
    pub(crate) fn new(function: Function) -> Self {
        let program = &function.program;
        let bytes = fs::read(program).unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&bytes).unwrap();
        let size = [bytes.len(), packed.finish().unwrap().len()].map(|bytes| bytes as f64 / 1e6);
        Self { function, size, samples: Default::default() }
    }

    fn name(&self) -> String {
        let Function { name, is_page, .. } = &self.function;
        if *is_page { format!("{name}, a page of 100") } else { name.clone() }
    }

    fn median(&self, size: usize, what: impl Fn(&Sample) -> f64) -> f64 {
        median(&self.samples[size].iter().map(what).collect::<Vec<_>>())
    }

    /// The time to the first response, without the time that DynamoDB worked for it.
    fn own(&self, size: usize) -> f64 {
        self.median(size, |it| it.first - it.dynamo)
    }
}

pub(crate) fn print(reports: &[FunctionReport], sizes: &[Option<u32>], runs: usize) {
    println!(
        "Each figure is the median of {runs} starts, and times are in milliseconds. `first` is the first response \
         of a process, without the time in which DynamoDB worked for it. `warm` is the median of the later \
         responses. In a column with a memory size, the process has the share of a core that Lambda gives for this \
         size; elsewhere, it has a whole core. `search`, `audit-list`, `tokens-list` and `tokens-expiring` read \
         everything that the benchmark has written so far.\n"
    );
    let columns = |what: &str| -> Vec<String> {
        let of_size = |size: &Option<u32>| match size {
            Some(megabytes) => format!("{what}, {megabytes} MB"),
            None => what.to_owned(),
        };
        sizes.iter().map(of_size).collect()
    };
    println!(
        "| function | MB | zipped MB | peak memory MB | start → first poll | {} | {} | CPU: start, first, warm |",
        columns("first").join(" | "),
        columns("warm").join(" | ")
    );
    println!("|---|---|---|---|---|{}---|", "---|".repeat(2 * sizes.len()));
    for report in reports {
        let [bytes, zipped] = report.size;
        let memory = report.median(0, |it| it.memory);
        let of_each = |what: &dyn Fn(usize) -> f64| -> String {
            let texts: Vec<String> = (0..sizes.len()).map(|size| format!("{:.1}", what(size))).collect();
            texts.join(" | ")
        };
        let [start, first, warm] = [0, 1, 2].map(|part| report.median(0, |it| it.cpu[part]));
        println!(
            "| {} | {bytes:.2} | {zipped:.2} | {memory:.1} | {:.1} | {} | {} | {start:.1}, {first:.2}, {warm:.2} |",
            report.name(),
            report.median(0, |it| it.init),
            of_each(&|size| report.own(size)),
            of_each(&|size| report.median(size, |it| it.warm)),
        );
    }
}
