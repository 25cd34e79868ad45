#![no_main]
#![doc = "Tries to break the invariants of `function_properties`."]

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|input: &[u8]| -> Corpus {
    invariants::function_properties::check(input).map_or(Corpus::Reject, |()| Corpus::Keep)
});
