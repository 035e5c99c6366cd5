//! Medians, percentiles and ratios.

/// The middle of the values; of an even number, the mean of the two in the middle. `None` of none.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    Some(if sorted.len() % 2 == 1 { upper } else { f64::midpoint(sorted[sorted.len() / 2 - 1], upper) })
}

/// The median of the ratios within each round: a phase in which the machine was slow for both cancels out.
///
/// Rounds in which one of the two has no value are left out.
pub(crate) fn median_ratio(values: &[Option<f64>], base: &[Option<f64>]) -> Option<f64> {
    let ratios: Vec<f64> = values
        .iter()
        .zip(base)
        .filter_map(|(value, base)| Some((*value)? / (*base)?))
        .filter(|ratio| ratio.is_finite())
        .collect();
    median(&ratios)
}

/// The value that `share` of all are not above; `values` gets sorted.
pub(crate) fn percentile(values: &mut [u32], share: f64) -> Option<u32> {
    values.sort_unstable();
    let rank = (share * values.len() as f64).ceil() as usize;
    values.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn a_slow_round_does_not_change_a_ratio() {
        let fast_then_slow = [Some(10.0), Some(1.0), Some(10.0)];
        let base = [Some(5.0), Some(0.5), Some(5.0)];
        assert_eq!(median_ratio(&fast_then_slow, &base), Some(2.0));
    }

    #[test]
    fn a_round_without_a_partner_is_left_out() {
        assert_eq!(median_ratio(&[Some(4.0), None], &[Some(2.0), Some(1.0)]), Some(2.0));
        assert_eq!(median_ratio(&[None], &[Some(1.0)]), None);
        assert_eq!(median_ratio(&[Some(1.0)], &[Some(0.0)]), None);
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let mut values: Vec<u32> = (1..=100).rev().collect();
        assert_eq!(percentile(&mut values, 0.5), Some(50));
        assert_eq!(percentile(&mut values, 0.99), Some(99));
        assert_eq!(percentile(&mut [], 0.5), None);
        assert_eq!(percentile(&mut [7], 0.99), Some(7));
    }
}
