//! Names of companies and people, and the ways four systems spell one company.
//!
//! A *near* spelling differs in case, punctuation and legal form only, so that it equals the right
//! one after normalisation. A *far* one (an abbreviation, a nickname) needs a cross-reference.

use std::collections::HashSet;

use super::dice::Dice;

const FIRST: &[&str] = &[
    "Aldergrove",
    "Ashworth",
    "Bellweather",
    "Birchwood",
    "Blackwood",
    "Bramley",
    "Brightwater",
    "Calloway",
    "Camden",
    "Cedarhurst",
    "Chadwick",
    "Clearbrook",
    "Copperfield",
    "Cranmore",
    "Dalewood",
    "Eastgate",
    "Edgemont",
    "Elmsford",
    "Fairbanks",
    "Fallowfield",
    "Farnham",
    "Foxglove",
    "Glenview",
    "Granite Bay",
    "Greenfield",
    "Halcyon",
    "Harborview",
    "Hartwell",
    "Hawthorne",
    "Hazelton",
    "Highland",
    "Hollis",
    "Ironwood",
    "Jasper",
    "Juniper",
    "Kestrel",
    "Kingsley",
    "Lakeshore",
    "Langford",
    "Larkspur",
    "Lexington",
    "Linden",
    "Longmeadow",
    "Maplewood",
    "Meridian",
    "Millbrook",
    "Montrose",
    "Northgate",
    "Oakhurst",
    "Orchard",
    "Palisade",
    "Pemberton",
    "Pinecrest",
    "Prescott",
    "Quarry Hill",
    "Radcliffe",
    "Redfern",
    "Ridgeline",
    "Riverside",
    "Rockford",
    "Rosewood",
    "Sable",
    "Saltmarsh",
    "Sandstone",
    "Sherwood",
    "Silverton",
    "Southport",
    "Springfield",
    "Stonebridge",
    "Summit",
    "Sycamore",
    "Tamarack",
    "Thornbury",
    "Tidewater",
    "Trafalgar",
    "Underhill",
    "Valley Forge",
    "Vermilion",
    "Wainwright",
    "Wakefield",
    "Waverley",
    "Westbrook",
    "Whitfield",
    "Willowdale",
    "Winslow",
    "Woodbine",
    "Wyndham",
    "Yarrow",
    "Yorkshire",
    "Zephyr",
];

const TRADE: &[&str] = &[
    "Accounting",
    "Advisory",
    "Architects",
    "Auto Body",
    "Bakery",
    "Brewing",
    "Builders",
    "Capital",
    "Cardiology",
    "Catering",
    "Chiropractic",
    "Civil Engineering",
    "Cold Storage",
    "Credit Union",
    "Dairy",
    "Dental",
    "Dermatology",
    "Design",
    "Distribution",
    "Electric",
    "Environmental",
    "Equipment",
    "Estates",
    "Fabrication",
    "Family Law",
    "Farms",
    "Foods",
    "Foundation",
    "Freight",
    "Gallery",
    "Garden Centre",
    "Glass",
    "Health",
    "Home Care",
    "Hotels",
    "Imaging",
    "Insurance",
    "Interiors",
    "Joinery",
    "Kitchens",
    "Labs",
    "Landscaping",
    "Logistics",
    "Machine Works",
    "Marine",
    "Media",
    "Metals",
    "Mortgage",
    "Museum",
    "Optics",
    "Orthopaedics",
    "Packaging",
    "Paper",
    "Pharmacy",
    "Plumbing",
    "Press",
    "Properties",
    "Radiology",
    "Recycling",
    "Research",
    "Roofing",
    "School",
    "Security",
    "Seeds",
    "Shipping",
    "Solar",
    "Steel",
    "Surveyors",
    "Textiles",
    "Tooling",
    "Travel",
    "Veterinary",
    "Vineyards",
    "Water",
    "Wealth",
    "Wholesale",
];

const LEGAL: &[(&str, &[&str])] = &[
    ("Inc.", &["Inc", "Inc.", "INC", "Incorporated"]),
    ("LLC", &["LLC", "llc", "Llc"]),
    ("Corp.", &["Corp", "Corp.", "Corporation"]),
    ("Ltd", &["Ltd", "Ltd.", "Limited", "LTD"]),
    ("GmbH", &["GmbH", "GMBH", "Gmbh"]),
];

const GIVEN: &[&str] = &[
    "Aaron", "Abigail", "Adaeze", "Aisha", "Alan", "Alice", "Amara", "Ana", "André", "Anita",
    "Anton", "Astrid", "Ben", "Bianca", "Carla", "Carlos", "Catarina", "Chen", "Chloe", "Claire",
    "Daniel", "David", "Deepa", "Diego", "Elena", "Elif", "Emil", "Emma", "Erik", "Esther",
    "Fatima", "Felix", "Fiona", "Francis", "Gabriel", "Grace", "Greta", "Hana", "Hannah", "Hugo",
    "Ibrahim", "Ines", "Ingrid", "Isaac", "Ivan", "Jacob", "James", "Jana", "Jorge", "Julia",
    "Kai", "Karim", "Katja", "Keiko", "Kofi", "Laura", "Leila", "Liam", "Lin", "Lucia", "Magnus",
    "Marco", "Maria", "Mateo", "Mei", "Mia", "Miguel", "Nadia", "Naomi", "Nia", "Nils", "Noah",
    "Olga", "Oscar", "Paula", "Pedro", "Priya", "Rachel", "Rafael", "Ravi", "Rosa", "Ruth",
    "Samuel", "Sara", "Sean", "Simon", "Sofia", "Stefan", "Tariq", "Teresa", "Thomas", "Tomás",
    "Uma", "Vera", "Victor", "Wei", "Yara", "Yusuf", "Zoe", "Zuzana",
];

const SURNAME: &[&str] = &[
    "Abbott", "Adeyemi", "Almeida", "Anderson", "Bauer", "Becker", "Bennett", "Bianchi", "Bjork",
    "Brown", "Campos", "Carter", "Castro", "Chandra", "Clarke", "Cohen", "Costa", "Cruz", "Davies",
    "Diaz", "Dubois", "Duarte", "Edwards", "Eriksen", "Evans", "Farah", "Ferrari", "Fischer",
    "Flores", "Fofana", "Foster", "Garcia", "Gomes", "Graham", "Gupta", "Haddad", "Hansen",
    "Harris", "Hoffman", "Horvat", "Hughes", "Ibarra", "Ito", "Jackson", "Jensen", "Johnson",
    "Kaya", "Keller", "Kim", "Kovacs", "Kumar", "Larsen", "Lee", "Lima", "Lopez", "Machado",
    "Martin", "Mbeki", "Mendes", "Meyer", "Moreau", "Morgan", "Müller", "Nakamura", "Nguyen",
    "Nielsen", "Novak", "O'Brien", "Okafor", "Olsen", "Ortiz", "Osei", "Park", "Patel", "Pereira",
    "Petrov", "Pinto", "Quinn", "Ramos", "Reyes", "Rossi", "Santos", "Sato", "Schmidt", "Shah",
    "Silva", "Singh", "Smith", "Sousa", "Suzuki", "Tanaka", "Taylor", "Torres", "Van Dijk",
    "Vargas", "Walker", "Weber", "Wilson", "Wong", "Young", "Zhang",
];

/// A company's name and what is made of it.
#[derive(Clone, Debug)]
pub(crate) struct Company {
    /// Name without the legal form.
    pub(crate) base: String,
    /// The legal form, spelt right.
    pub(crate) legal: &'static str,
    /// Main domain.
    pub(crate) domain: String,
}

impl Company {
    /// The legal name, spelt right.
    pub(crate) fn legal_name(&self) -> String {
        format!("{}, {}", self.base, self.legal)
    }
}

/// Gives out company names and spellings, none of which equals another after normalisation.
pub(crate) struct Companies {
    taken: HashSet<String>,
    domains: HashSet<String>,
}

impl Companies {
    /// Nothing is taken yet, but names that are nobody's.
    pub(crate) fn new() -> Self {
        let taken = ["unknown", "workbench", "unassigned"].map(str::to_owned);
        Self { taken: taken.into_iter().collect(), domains: HashSet::new() }
    }

    /// The MSP itself.
    pub(crate) fn own(&mut self) -> Company {
        let (base, domain) = ("Keystone IT Partners".to_owned(), "keystone-it.example".to_owned());
        self.taken.insert(key(&base));
        self.domains.insert(domain.clone());
        Company { base, legal: "LLC", domain }
    }

    /// A new company, by preference with the legal form of its country.
    pub(crate) fn company(&mut self, legal: &'static str, dice: &mut Dice) -> Company {
        loop {
            let mut base = format!("{} {}", dice.pick(FIRST), dice.pick(TRADE));
            if dice.chance(0.1) {
                base = format!("{} & {base}", dice.pick(SURNAME));
            }
            // Once most pairs are taken, a third word makes room for more.
            if !self.taken.insert(key(&base)) {
                base = format!("{} {base}", dice.pick(SURNAME));
                if !self.taken.insert(key(&base)) {
                    continue;
                }
            }
            let domain = self.domain(&base, dice);
            return Company { base, legal, domain };
        }
    }

    fn domain(&mut self, base: &str, dice: &mut Dice) -> String {
        let stem: String = ascii(base).chars().take(24).collect();
        let mut domain = format!("{stem}.example");
        while !self.domains.insert(domain.clone()) {
            domain = format!("{stem}{}.example", dice.digits(2));
        }
        domain
    }

    /// A spelling by abbreviation that no other company has.
    pub(crate) fn far(&mut self, company: &Company, dice: &mut Dice) -> String {
        let initials: String =
            company.base.split([' ', '&']).filter_map(|w| w.chars().next()).collect();
        let first = company.base.split(' ').next().unwrap_or(&company.base).to_owned();
        let mut spelling = match dice.below(3) {
            0 => format!("{initials} ({first})"),
            1 => format!("{first} Grp - {}", dice.digits(4)),
            _ => format!("{} - {first}", dice.digits(4)),
        };
        while !self.taken.insert(key(&spelling)) {
            spelling = format!("{first} {initials} {}", dice.digits(5));
        }
        spelling
    }
}

/// A spelling that equals the name after case, punctuation and legal form are taken off.
pub(crate) fn near(company: &Company, dice: &mut Dice) -> String {
    let legal = LEGAL.iter().find(|(l, _)| *l == company.legal).map_or(&[][..], |(_, all)| *all);
    let legal = if legal.is_empty() { company.legal } else { dice.pick(legal) };
    let base = &company.base;
    match dice.below(7) {
        0 => company.legal_name(),
        1 | 2 => base.clone(),
        3 => base.to_uppercase(),
        4 => format!("{} {legal}", base.to_lowercase()),
        5 => format!("{base} {legal}"),
        _ => format!(" {base},  {legal}"),
    }
}

/// The same spelling in other letters: case and outer space.
pub(crate) fn recased(name: &str, dice: &mut Dice) -> String {
    match dice.below(3) {
        0 => name.to_uppercase(),
        1 => name.to_lowercase(),
        _ => format!("{name} "),
    }
}

/// Letters and digits in lower case, legal forms aside: equal keys are equal names.
pub(crate) fn key(name: &str) -> String {
    let lower = name.to_lowercase().replace('&', " and ");
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    const FORMS: &[&str] =
        &["inc", "incorporated", "llc", "corp", "corporation", "ltd", "limited", "gmbh"];
    words.filter(|w| !FORMS.contains(w)).collect()
}

/// Given name and surname.
pub(crate) fn person(dice: &mut Dice) -> (&'static str, &'static str) {
    (GIVEN[dice.below(GIVEN.len())], SURNAME[dice.below(SURNAME.len())])
}

/// A new surname, for somebody who marries.
pub(crate) fn surname(dice: &mut Dice) -> &'static str {
    SURNAME[dice.below(SURNAME.len())]
}

/// Lower-case ASCII letters and digits of a name, as used in addresses.
pub(crate) fn ascii(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase) {
        match letter {
            'á' | 'ã' | 'â' => out.push('a'),
            'é' | 'ê' => out.push('e'),
            'ó' | 'ö' => out.push('o'),
            'ü' => out.push_str("ue"),
            _ if letter.is_ascii_alphanumeric() => out.push(letter),
            _ => {}
        }
    }
    out
}
