#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fieldtap_fuzz::counted(data, fieldtap_fuzz::witness::run));
