#![no_main]
#![doc = "Tries to break the laws of `settings`."]

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|input: &[u8]| -> Corpus {
    laws::settings::hold(input).map_or(Corpus::Reject, |()| Corpus::Keep)
});
