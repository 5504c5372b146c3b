//! Sizes, in words.

/// Returns a size for people, in the largest unit that tells it with two digits or more.
pub fn size(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes, "B");
    for larger in ["KiB", "MiB", "GiB"] {
        if value < 10 * 1024 && value % 1024 != 0 || value == 0 {
            break;
        }
        (value, unit) = (value.div_ceil(1024), larger);
    }
    format!("{value} {unit}")
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_short_and_never_too_small() {
        for (bytes, words) in [
            (0, "0 B"),
            (1, "1 B"),
            (10_000, "10000 B"),
            (10_241, "11 KiB"),
            (50 << 20, "50 MiB"),
            (4 << 30, "4 GiB"),
            ((4 << 30) + 1, "4097 MiB"),
            (u64::MAX, "17179869184 GiB"),
        ] {
            assert_eq!(size(bytes), words, "{bytes}");
        }
    }
}
