//! JSON Schemas, which come from a repository as the documents do: the schema, then a document.

#![no_main]

use fuzz::{assert_plain, first, parts};
use libfuzzer_sys::fuzz_target;
use recoveryguard::manifest::Format;
use recoveryguard::validate::{Demands, Schema, examine};

fuzz_target!(init: fuzz::seeds::write("schema"), |data: &[u8]| {
    let (choice, data) = first(data);
    let [schema, document] = parts(data);
    let format = [Format::Json, Format::Yaml, Format::Toml, Format::Jsonl][usize::from(choice) % 4];
    match Schema::new(schema) {
        Ok(schema) => {
            let demands = Demands { schema: Some(&schema), ..Demands::default() };
            let examined = examine(format, &mut &*document, &demands).expect("memory can be read");
            examined.faults.first.iter().for_each(|fault| {
                assert_plain(&fault.to_string());
                assert!(fault.what.chars().count() < 400, "{fault}");
            });
        }
        Err(why) => assert!(why.chars().count() < 400, "{why}"),
    }
});
