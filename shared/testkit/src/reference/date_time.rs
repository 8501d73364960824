//! DateTime values, which are compared by time and not as text (RFC 7643 §2.3.5, RFC 7644 §3.4.2.2).

/// The nanoseconds from 1970 to an `xsd:dateTime` with a time zone, or `None` for any other text.
pub(super) fn nanoseconds(text: &str) -> Option<i128> {
    let (date, rest) = text.split_once('T')?;
    let at = rest.find(['Z', '+', '-'])?;
    let (time, zone) = rest.split_at(at);
    let [year, month, day] = numbers(date, '-')?;
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(whole, ':')?;
    let is_possible = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    let digits = fraction.bytes().all(|byte| byte.is_ascii_digit()) && (1..=9).contains(&fraction.len());
    if !is_possible || !digits {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset(zone)?;
    Some(i128::from(seconds) * 1_000_000_000 + format!("{fraction:0<9}").parse::<i128>().ok()?)
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let parts: Vec<&str> = text.split(separator).collect();
    let is_digits = |part: &&str| part.len() >= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !parts.iter().all(is_digits) {
        return None;
    }
    parts.iter().map(|part| part.parse().ok()).collect::<Option<Vec<i64>>>()?.try_into().ok()
}

/// The seconds east of Greenwich of `Z` or `+02:00`.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let [hours, minutes, _] = numbers(&format!("{}:00", &zone[1..]), ':')?;
    let seconds = hours * 3_600 + minutes * 60;
    Some(if zone.starts_with('-') { -seconds } else { seconds })
}

/// The days from 1970-01-01 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let before: i64 = (1970..year).map(|year| 365 + i64::from(is_leap(year))).sum();
    let missing: i64 = (year..1970).map(|year| 365 + i64::from(is_leap(year))).sum();
    let lengths = [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    before - missing + lengths.iter().take(month as usize - 1).sum::<i64>() + day - 1
}

#[cfg(test)]
mod tests {
    use super::nanoseconds;

    #[test]
    fn date_time_is_read_with_its_zone_and_fraction() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2011-05-13T04:42:34Z", 1_305_261_754),
            ("2011-05-13T06:42:34+02:00", 1_305_261_754),
            ("2011-05-12T20:42:34-08:00", 1_305_261_754),
            ("1969-12-31T23:59:59Z", -1),
        ] {
            assert_eq!(nanoseconds(text), Some(seconds * 1_000_000_000), "{text}");
        }
        assert_eq!(nanoseconds("1970-01-01T00:00:00.25Z"), Some(250_000_000));
        for text in ["yesterday", "2011-05-13", "2011-13-13T04:42:34Z", "2011-05-13T04:42:34", "2011-05-13T25:42:34Z"] {
            assert_eq!(nanoseconds(text), None, "{text}");
        }
    }
}
