//! Prints the keys of names. Each line of the input is a JSON string; each line of the output is an array of its key
//! as a `userName` and its key as the `displayName` of a group, with `null` for a name that is refused.
//! `.ci/precis.py` compares the keys with those of another implementation.

use std::io::{self, BufWriter, Write};

use protocol::name_key;
use schema::Kind;

fn main() -> io::Result<()> {
    let mut output = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lines() {
        let name: String = serde_json::from_str(&line?)?;
        let keys = Kind::ALL.map(|kind| name_key(kind, &name).ok());
        serde_json::to_writer(&mut output, &keys)?;
        writeln!(output)?;
    }
    output.flush()
}
