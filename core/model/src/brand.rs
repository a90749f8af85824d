//! How mail to the people of a tenant looks, and from when until when.

use std::fmt;

use chrono::{Datelike as _, NaiveDate};

/// A colour: `#1f5fbf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

impl Colour {
    /// White.
    pub const WHITE: Self = Self { red: 255, green: 255, blue: 255 };
    /// Nearly black.
    pub const INK: Self = Self { red: 0x14, green: 0x1a, blue: 0x22 };
    /// What is pressed, where nobody says otherwise.
    pub const BLUE: Self = Self { red: 0x1f, green: 0x5f, blue: 0xbf };

    /// The colour of a text of six hexadecimal digits behind `#`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let part = |from: usize| u8::from_str_radix(digits.get(from..from + 2)?, 16).ok();
        Some(Self { red: part(0)?, green: part(2)?, blue: part(4)? })
    }

    /// The colour in which a text on this one is read best.
    #[must_use]
    pub fn ink(self) -> Self {
        let contrast = |ink: Self| self.contrast(ink);
        if contrast(Self::WHITE) >= contrast(Self::INK) { Self::WHITE } else { Self::INK }
    }

    /// How well one is read on the other: 1 not at all, 21 best (WCAG 2, relative luminance).
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn luminance(self) -> f64 {
        let part = |byte: u8| {
            let value = f64::from(byte) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(self.red) + 0.7152 * part(self.green) + 0.0722 * part(self.blue)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

/// A picture with the name of whoever sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logo {
    /// At an address, from which each reader's program fetches it.
    At(String),
    /// In the mail itself.
    Inline {
        /// Its type: `image/png`.
        media: &'static str,
        /// The picture.
        bytes: Vec<u8>,
    },
}

/// The type of a picture, by its first bytes: one that programs for mail show.
#[must_use]
pub fn media_of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        _ => None,
    }
}

/// How mail looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// What the settings call it.
    pub name: String,
    /// Who writes, as people know them.
    pub company: String,
    /// What is pressed.
    pub accent: Colour,
    /// The band above the text.
    pub band: Colour,
    /// A picture.
    pub logo: Option<Logo>,
    /// The name of the sender; that of the company where there is none.
    pub sender: Option<String>,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// What stands below.
    pub footer: String,
}

impl Default for Brand {
    fn default() -> Self {
        Self {
            name: String::new(),
            company: "Your IT team".to_owned(),
            accent: Colour::BLUE,
            band: Colour::BLUE,
            logo: None,
            sender: None,
            reply_to: None,
            footer: String::new(),
        }
    }
}

/// A day of one year, or of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrandDay {
    /// `2026-12-24`.
    Once(NaiveDate),
    /// `12-24`: month and day.
    Yearly(u32, u32),
}

impl BrandDay {
    /// The day of a text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Some(Self::Once(day));
        }
        // A leap year has every day that there is.
        let day = NaiveDate::parse_from_str(&format!("2024-{text}"), "%Y-%m-%d").ok()?;
        Some(Self::Yearly(day.month(), day.day()))
    }
}

/// For whom and when a brand is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrandRule {
    /// The brand.
    pub brand: Brand,
    /// Names or ids of tenants; all where there are none.
    pub tenants: Vec<String>,
    /// The first and the last day; always where there are none. Days of each year may go over its end.
    pub days: Option<(BrandDay, BrandDay)>,
}

impl BrandRule {
    /// Whether it is for a tenant on a day of that tenant.
    #[must_use]
    pub fn holds(&self, tenant: (&str, &str), day: NaiveDate) -> bool {
        let of_tenant = self.tenants.is_empty() || names_one(&self.tenants, tenant);
        of_tenant && self.days.is_none_or(|(from, until)| within(from, until, day))
    }
}

/// Whether a tenant, by id and name, is among those that are named.
#[must_use]
pub fn names_one(named: &[String], (id, name): (&str, &str)) -> bool {
    let is_it = |one: &String| {
        let one = one.trim();
        one == id || one.to_lowercase() == name.trim().to_lowercase()
    };
    named.iter().any(is_it)
}

fn within(from: BrandDay, until: BrandDay, day: NaiveDate) -> bool {
    use BrandDay::{Once, Yearly};
    match (from, until) {
        (Once(from), Once(until)) => (from..=until).contains(&day),
        (Yearly(month, first), Yearly(until_month, last)) => {
            let (from, until) = ((month, first), (until_month, last));
            let day = (day.month(), day.day());
            if from <= until { (from..=until).contains(&day) } else { day >= from || day <= until }
        }
        // Never let through by the settings.
        _ => false,
    }
}

/// The brand of a tenant, by id and name, on a day of that tenant: the first that holds.
#[must_use]
pub fn choose<'a>(
    rules: &'a [BrandRule],
    tenant: (&str, &str),
    day: NaiveDate,
) -> Option<&'a Brand> {
    rules.iter().find(|rule| rule.holds(tenant, day)).map(|rule| &rule.brand)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn rule(name: &str, tenants: &[&str], days: Option<(&str, &str)>) -> BrandRule {
        let parse = |text: &str| BrandDay::parse(text).unwrap();
        BrandRule {
            brand: Brand { name: name.to_owned(), ..Brand::default() },
            tenants: tenants.iter().map(|&one| one.to_owned()).collect(),
            days: days.map(|(from, until)| (parse(from), parse(until))),
        }
    }

    #[test]
    fn the_first_brand_that_holds_for_the_tenant_on_its_day_is_chosen() {
        let rules = [
            rule("launch", &["Contoso"], Some(("2026-05-01", "2026-05-02"))),
            rule("christmas", &[], Some(("12-01", "12-26"))),
            rule("turn of the year", &[], Some(("12-27", "01-02"))),
            rule("contoso", &["contoso", "ten_3"], None),
        ];
        let chosen = |id: &str, name: &str, on: &str| {
            choose(&rules, (id, name), day(on)).map(|brand| brand.name.clone())
        };
        assert_eq!(chosen("ten_1", "Contoso", "2026-05-01").as_deref(), Some("launch"));
        assert_eq!(chosen("ten_1", "Contoso", "2027-05-01").as_deref(), Some("contoso"));
        assert_eq!(chosen("ten_2", "Fabrikam", "2026-05-01"), None);
        assert_eq!(chosen("ten_3", "Fabrikam", "2026-05-01").as_deref(), Some("contoso"));
        for (on, name) in [
            ("2026-11-30", None),
            ("2026-12-01", Some("christmas")),
            ("2026-12-26", Some("christmas")),
            ("2026-12-31", Some("turn of the year")),
            ("2027-01-02", Some("turn of the year")),
            ("2027-01-03", None),
        ] {
            assert_eq!(chosen("ten_2", "Fabrikam", on).as_deref(), name, "{on}");
        }
    }

    #[test]
    fn a_day_is_of_one_year_or_of_each() {
        assert_eq!(BrandDay::parse("12-24"), Some(BrandDay::Yearly(12, 24)));
        assert_eq!(BrandDay::parse("02-29"), Some(BrandDay::Yearly(2, 29)));
        assert_eq!(BrandDay::parse("2026-12-24"), Some(BrandDay::Once(day("2026-12-24"))));
        for wrong in ["", "24.12.", "13-01", "2026-02-29", "Christmas"] {
            assert_eq!(BrandDay::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_text_on_any_colour_is_legible() {
        for red in (0..=255).step_by(15) {
            for green in (0..=255).step_by(15) {
                for blue in (0..=255).step_by(15) {
                    let colour =
                        Colour::parse(&format!("#{red:02x}{green:02x}{blue:02X}")).unwrap();
                    let contrast = colour.contrast(colour.ink());
                    assert!(contrast > 4.1, "{colour}: {contrast}");
                }
            }
        }
        assert_eq!(Colour::BLUE.to_string(), "#1f5fbf");
        for wrong in ["", "#fff", "1f5fbf", "#1f5fbg", "#1f5fbf0", "red", "#é1f5b"] {
            assert_eq!(Colour::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_picture_is_known_by_its_first_bytes() {
        assert_eq!(media_of(b"\x89PNG\r\n"), Some("image/png"));
        assert_eq!(media_of(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        assert_eq!(media_of(b"GIF89a"), Some("image/gif"));
        assert_eq!(media_of(b"<svg xmlns="), None);
    }
}
