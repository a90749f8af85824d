//! Names of customers, and addresses of people, in the form in which they compare.

/// Legal-form suffixes that say nothing about who a customer is.
const LEGAL_FORMS: &[&str] = &[
    "inc",
    "incorporated",
    "llc",
    "llp",
    "lp",
    "ltd",
    "limited",
    "corp",
    "corporation",
    "co",
    "company",
    "gmbh",
    "ag",
    "kg",
    "ug",
    "ohg",
    "gbr",
    "mbh",
    "plc",
    "pty",
    "bv",
    "nv",
    "sa",
    "sas",
    "sarl",
    "srl",
    "spa",
    "oy",
    "ab",
    "as",
    "aps",
    "kft",
    "sro",
    "pllc",
    "pc",
    "pa",
];

/// A customer's name without case, punctuation, accents and legal forms: `Contoso, Ltd.` and
/// `CONTOSO Limited` are both `contoso`. A name that is nothing but a legal form keeps it.
#[must_use]
pub fn normal_name(name: &str) -> String {
    let folded: String = name.chars().flat_map(char::to_lowercase).flat_map(fold).collect();
    // Dots inside abbreviations (`L.L.C.`, `B.V.`) join; every other punctuation parts words.
    let joined = folded.replace(['.', '\'', '’'], "");
    let words: Vec<&str> =
        joined.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut kept: Vec<&str> =
        words.iter().copied().filter(|word| *word != "and" && *word != "the").collect();
    while kept.len() > 1 && kept.last().is_some_and(|word| LEGAL_FORMS.contains(word)) {
        kept.pop();
    }
    kept.concat()
}

/// An address (UPN, mail) in the form in which it compares: trimmed, lower case.
#[must_use]
pub fn normal_address(address: &str) -> String {
    address.trim().to_lowercase()
}

/// The domain of an address, lower case; of a guest's UPN the directory's initial domain.
#[must_use]
pub fn domain_of(address: &str) -> Option<String> {
    let (_, domain) = address.trim().rsplit_once('@')?;
    (!domain.is_empty()).then(|| domain.to_lowercase())
}

/// Folds the Latin letters that people leave the accents off.
fn fold(c: char) -> impl Iterator<Item = char> {
    let (first, second) = match c {
        'á' | 'à' | 'â' | 'ã' | 'å' | 'ā' => ('a', None),
        'ä' | 'æ' => ('a', Some('e')),
        'ç' | 'č' | 'ć' => ('c', None),
        'é' | 'è' | 'ê' | 'ë' | 'ē' => ('e', None),
        'í' | 'ì' | 'î' | 'ï' => ('i', None),
        'ñ' | 'ń' => ('n', None),
        'ó' | 'ò' | 'ô' | 'õ' | 'ø' => ('o', None),
        'ö' | 'œ' => ('o', Some('e')),
        'š' | 'ś' => ('s', None),
        'ß' => ('s', Some('s')),
        'ú' | 'ù' | 'û' => ('u', None),
        'ü' => ('u', Some('e')),
        'ý' | 'ÿ' => ('y', None),
        'ž' | 'ź' | 'ż' => ('z', None),
        other => (other, None),
    };
    std::iter::once(first).chain(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_punctuation_accents_and_legal_forms_do_not_matter() {
        for text in
            ["Contoso, Ltd.", "CONTOSO Limited", "contoso ltd", "Contoso", "The Contoso Co., Ltd."]
        {
            assert_eq!(normal_name(text), "contoso", "{text}");
        }
        assert_eq!(normal_name("Müller & Söhne GmbH"), normal_name("Mueller and Soehne"));
        assert_eq!(normal_name("O'Neil B.V."), "oneil");
    }

    #[test]
    fn a_name_is_never_normalised_away() {
        assert_eq!(normal_name("Co"), "co");
        assert_ne!(normal_name("Fabrikam East"), normal_name("Fabrikam West"));
    }

    #[test]
    fn u5_addresses_compare_without_case_and_space() {
        assert_eq!(normal_address(" Ana.Silva@Contoso.com "), "ana.silva@contoso.com");
        assert_eq!(domain_of("ana@Contoso.com").as_deref(), Some("contoso.com"));
        assert_eq!(domain_of("nobody"), None);
    }
}
