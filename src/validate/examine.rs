//! All that can be said of one data file, read as a stream: the same for a blob, a file and a pipe.
//!
//! JSON, JSON Lines, CSV and text are read piece by piece, in memory that does not grow with them. YAML, TOML, JSON with
//! comments, and whatever is compared with a schema have to be held whole: there a limit makes the rest unknown.

use std::io::{self, BufReader, Read};

use super::collect::Collector;
use super::demands::Demands;
use super::examined::{Examined, Place};
use super::json::{self, Shape, Stop, scan};
use super::{Health, csv, text, validator};
use crate::manifest::Format;

/// So much of a file is looked at to see what it is.
const START: usize = 64 << 10;
/// Larger documents are not compared with a schema: as values they take about ten times the room.
const MAX_SCHEMA: usize = 16 << 20;

/// Reads a file to its end.
pub fn examine(format: Format, input: &mut dyn Read, demands: &Demands<'_>) -> io::Result<Examined> {
    let mut examined = Examined::default();
    let mut start = Vec::new();
    (&mut *input).take(START as u64).read_to_end(&mut start)?;
    let start = start.as_slice();
    let mut input = start.chain(input);
    let is_blank = start.len() < START && start.iter().all(u8::is_ascii_whitespace);
    if let Some(what) = text::impostor(start) {
        examined.faults.add(Place::Whole, what);
        return Ok(examined);
    }
    if is_blank && !may_be_empty(format) {
        let what = if start.is_empty() { "it is empty" } else { "nothing but white space is in it" };
        examined.faults.add(Place::Whole, what);
        return Ok(examined);
    }
    if is_blank && !start.is_empty() {
        examined.notes.add(Place::Whole, "nothing but white space is in it");
    }
    if start.len() > 1 && start.iter().all(|byte| *byte == 0) {
        examined.faults.add(Place::Whole, "it begins with NUL bytes only, as after a power failure");
        return Ok(examined);
    }
    match format {
        Format::Csv => csv::examine(&mut BufReader::with_capacity(START, input), None, demands, &mut examined)?,
        Format::Tsv => csv::examine(&mut BufReader::with_capacity(START, input), Some(b'\t'), demands, &mut examined)?,
        Format::Text => text::examine(&mut BufReader::with_capacity(START, input), &mut examined)?,
        Format::Binary => {}
        _ => structured(format, &mut input, demands, &mut examined)?,
    }
    Ok(examined)
}

fn may_be_empty(format: Format) -> bool {
    matches!(format, Format::Jsonl | Format::Toml | Format::Text | Format::Binary)
}

fn structured(format: Format, input: &mut dyn Read, demands: &Demands<'_>, examined: &mut Examined) -> io::Result<()> {
    let shape = match format {
        Format::Json => Shape::Document,
        Format::Jsonl => Shape::Lines,
        _ => return whole(format, input, demands, examined),
    };
    let Some(schema) = demands.schema else { return streamed(shape, input, demands, examined) };
    let mut bytes = Vec::new();
    (&mut *input).take(MAX_SCHEMA as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_SCHEMA {
        examined.unknown.push(format!("larger than {} MiB: not compared with its schema", MAX_SCHEMA >> 20));
        return streamed(shape, &mut bytes.as_slice().chain(input), demands, examined);
    }
    streamed(shape, &mut bytes.as_slice(), demands, examined)?;
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    // What is no JSON was said already.
    if let Ok(text) = str::from_utf8(bytes)
        && let Ok(document) = json::value(text, shape)
    {
        schema.compare(&document, examined);
    }
    Ok(())
}

fn streamed(shape: Shape, input: &mut dyn Read, demands: &Demands<'_>, examined: &mut Examined) -> io::Result<()> {
    // Lines are a list of records whether somebody says so or not.
    let records = demands.records.or((shape == Shape::Lines).then_some(""));
    let demands = Demands { records, ..*demands };
    let mut collector = Collector::new(&demands);
    let (scanned, result) = scan(input, shape, &mut collector);
    if scanned.has_mark {
        examined.notes.add(Place::Line { line: 1, column: 1 }, "a byte order mark");
    }
    if scanned.huge > 0 {
        let (line, column) = scanned.first_huge;
        let what = format!("{} that no double holds", many(scanned.huge, "number", "numbers"));
        examined.notes.add(Place::Line { line, column }, what);
    }
    if scanned.is_open_ended {
        examined.notes.add(Place::Whole, "the last line has no line end");
    }
    match result {
        Ok(()) => collector.finish(examined),
        Err(Stop::Bad { line, column, what }) => examined.faults.add(Place::Line { line, column }, what),
        Err(Stop::Unknown(why)) => examined.unknown.push(why),
        Err(Stop::Io(error)) => return Err(error),
    }
    twice(scanned.doubled.finish(), examined);
    Ok(())
}

fn whole(format: Format, input: &mut dyn Read, demands: &Demands<'_>, examined: &mut Examined) -> io::Result<()> {
    let Some(validator) = validator(format) else { return Ok(()) };
    let mut bytes = Vec::new();
    input.take(validator.max_bytes as u64 + 1).read_to_end(&mut bytes)?;
    let text = match super::text(validator, &bytes) {
        Ok(text) => text,
        Err(health) => {
            ill(health, examined);
            return Ok(());
        }
    };
    let health = (validator.check)(text);
    if health != Health::Good {
        ill(health, examined);
        return Ok(());
    }
    twice((validator.duplicate_keys)(text), examined);
    if !examined.faults.is_empty() {
        return Ok(());
    }
    let node = match (validator.node)(text) {
        Ok(node) => node,
        Err(Health::Unknown { why }) if demands.asks() => {
            examined.unknown.push(format!("{why}: what it holds is not looked at"));
            return Ok(());
        }
        Err(_) => return Ok(()),
    };
    let mut collector = Collector::new(demands);
    node.tell(&mut collector);
    if collector.is_scalar() && demands.root.is_none() && format == Format::Yaml {
        examined.faults.add(Place::Whole, "the document is a single value, neither an object nor an array");
    }
    if node.is_open() && demands.asks() {
        examined.unknown.push("aliases ('*', '<<') are not followed: what it holds is not looked at".to_owned());
    } else {
        collector.finish(examined);
    }
    if let Some(schema) = demands.schema.filter(|_| !node.is_open()) {
        schema.compare(&node.value(), examined);
    }
    Ok(())
}

fn ill(health: Health, examined: &mut Examined) {
    match health {
        Health::Good => {}
        Health::Bad { line, column, what } => {
            examined.faults.add(Place::Line { line: line as u64, column: column as u64 }, what);
        }
        Health::Unknown { why } => examined.unknown.push(why),
    }
}

/// Says which keys stand twice.
fn twice(doubled: Result<Vec<super::DuplicateKey>, Health>, examined: &mut Examined) {
    match doubled {
        Ok(doubled) => {
            for key in doubled {
                let times = if key.count == 2 { "twice".to_owned() } else { format!("{} times", key.count) };
                let line = key.line.map(|line| format!(", the last time in line {line}")).unwrap_or_default();
                examined.faults.add(Place::Pointer(key.pointer), format!("stands there {times}{line}"));
            }
        }
        Err(health) => ill(health, examined),
    }
}

fn many(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}
