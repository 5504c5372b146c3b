//! Texts merged in process: base, first side, second side, result.

#![no_main]

use fuzz::parts;
use libfuzzer_sys::fuzz_target;
use recoveryguard::deviation::{signals, texts};

fuzz_target!(init: fuzz::seeds::write("merge"), |data: &[u8]| {
    let [base, first, second, result] = parts(data);
    let merged = texts([base, first, second], 7);
    let turned = texts([base, second, first], 7);
    assert_eq!(merged.is_clean, turned.is_clean);
    if merged.is_clean {
        assert_eq!(merged.bytes, turned.bytes);
    }
    // What only one side changed is that side's.
    for side in [first, second] {
        for three in [[base, base, side], [base, side, base], [base, side, side]] {
            let one = texts(three, 7);
            assert!(one.is_clean);
            assert_eq!(one.bytes, side);
        }
    }
    signals(base, first, second, result);
    let own = signals(base, base, base, base);
    assert_eq!((own.own, own.size, own.common.len(), own.doubled.len()), (0, 0, 0, 0));
});
