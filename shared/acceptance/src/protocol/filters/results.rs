//! Checks of filters: every operator, for each type of attribute and its `caseExact`, in every grammatical form
//! (RFC 7644 §3.4.2.2).

use serde_json::{Value, json};

use crate::client::{Client, ENTERPRISE, USER};
use crate::target::{Target, unique};

checks![
    each_filter_finds_its_users,
    each_filter_finds_its_users_in_the_whole_directory: EmptyDirectory,
    long_and_deep_filters_within_the_limits_are_accepted,
    filters_see_every_change_immediately,
    part_of_a_name_may_end_with_a_sigma,
    each_spelling_of_a_text_is_found,
    exact_value_is_found_only_as_it_was_sent,
];

/// Three users: `a` has most attributes, `b` is inactive, `c` has almost no attributes.
fn people(tag: &str) -> [Value; 3] {
    [
        json!({
            "schemas": [USER, ENTERPRISE], "userName": format!("{tag}.a"), "title": "Admiral", "userType": "Employee",
            "externalId": format!("X-{tag}"), "name": { "givenName": "Ann", "familyName": "Alpha" },
            "emails": [{ "value": format!("ann.{tag}@Example.com"), "type": "work", "primary": true },
                       { "value": format!("ann.{tag}@home.example"), "type": "home" }],
            ENTERPRISE: { "department": "Ships", "employeeNumber": "10", "manager": { "value": "M1" } },
        }),
        json!({
            "schemas": [USER, ENTERPRISE], "userName": format!("{}.B", tag.to_uppercase()), "title": "captain",
            "userType": "Contractor", "active": false, "externalId": format!("x-{tag}"),
            "emails": [{ "value": format!("bob.{tag}@example.com"), "type": "work" }],
            ENTERPRISE: { "department": "ships" },
        }),
        json!({
            "schemas": [USER], "userName": format!("{tag}.c"), "name": { "givenName": "Zoë" },
            "nickName": "quote \" back \\ slash and é",
        }),
    ]
}

/// Filters and the users that they find. `TAG` stands for the common tag of the users, `ID` for the id of `a`, and
/// `EXT` for the URN of the extension.
const ROWS: &[(&str, &str)] = &[
    ("userName eq \"TAG.A\"", "a"),
    ("userName eq \"tag\"", ""),
    ("userName sw \"TAG\"", "abc"),
    ("userName ew \".B\"", "b"),
    ("userName ne \"TAG.a\" and userName sw \"TAG\"", "bc"),
    ("id eq \"ID\"", "a"),
    ("id eq \"ID\" and active eq false", ""),
    ("id ne \"ID\"", "bc"),
    ("title eq \"CAPTAIN\"", "b"),
    ("title pr and title ne \"captain\"", "a"),
    ("title co \"DMI\"", "a"),
    ("title sw \"adm\"", "a"),
    ("title ew \"AIN\"", "b"),
    ("title pr", "ab"),
    ("not (title pr)", "c"),
    ("title gt \"b\"", "b"),
    ("title ge \"admiral\"", "ab"),
    ("title lt \"B\"", "a"),
    ("title le \"ADMIRAL\"", "a"),
    ("title gt \"captain\"", ""),
    ("active eq true", "ac"),
    ("active eq false", "b"),
    ("active ne true", "b"),
    ("externalId eq \"X-TAG\"", "a"),
    ("externalId eq \"x-TAG\"", "b"),
    ("emails.value eq \"ANN.TAG@example.COM\"", "a"),
    ("emails eq \"bob.TAG@example.com\"", "b"),
    ("emails co \"TAG@EXAMPLE\"", "ab"),
    ("emails.type eq \"home\"", "a"),
    ("emails pr", "ab"),
    ("emails[type eq \"work\" and value co \"@example\"]", "ab"),
    ("emails[type eq \"home\" and value co \"@example.com\"]", ""),
    ("emails[not (type eq \"work\")]", "a"),
    ("emails[primary eq true]", "a"),
    ("emails[type eq \"work\"].value eq \"BOB.TAG@example.com\"", "b"),
    ("emails[type eq \"home\"].value eq \"ann.TAG@example.com\"", ""),
    ("name.familyName eq \"ALPHA\"", "a"),
    ("name.givenName eq \"ZOË\"", "c"),
    ("name.givenName eq \"ZOE\u{308}\"", "c"),
    ("name.givenName ew \"Oe\u{308}\" and name.givenName co \"oE\u{308}\"", "c"),
    ("name.givenName ne \"zoe\u{308}\" or name.givenName sw \"Zoe\"", "ab"),
    ("name.givenName pr and not (name.familyName pr)", "c"),
    ("nickName eq \"quote \\\" back \\\\ slash and \\u00e9\"", "c"),
    ("nickName co \" and \"", "c"),
    ("EXT:department eq \"SHIPS\"", "ab"),
    ("EXT:employeeNumber eq \"10\"", "a"),
    ("EXT:manager.value eq \"M1\"", "a"),
    ("EXT:department pr and not (EXT:manager pr)", "b"),
    ("EXT:department co \"hip\" and active eq true", "a"),
    ("urn:ietf:params:scim:schemas:core:2.0:User:title eq \"captain\"", "b"),
    ("URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:NAME.FAMILYNAME eq \"alpha\"", "a"),
    ("schemas eq \"EXT\"", "ab"),
    ("meta.resourceType eq \"User\"", "abc"),
    ("meta.created gt \"2020-01-01T00:00:00Z\"", "abc"),
    ("meta.created lt \"2020-01-01T00:00:00+02:00\"", ""),
    ("meta.lastModified ge \"2020-01-01T00:00:00.123-08:00\" and active eq false", "b"),
    ("title eq \"captain\" or active eq true and userType eq \"Employee\"", "ab"),
    ("(title eq \"captain\" or active eq true) and userType eq \"Employee\"", "a"),
    ("not (active eq true) or title eq \"admiral\"", "ab"),
    ("not (active eq true or title eq \"captain\")", ""),
    ("TITLE EQ \"captain\" OR Active Eq true AND userTYPE eQ \"employee\"", "ab"),
    ("NOT (title PR)", "c"),
    ("userName eq \"TAG.a\" or userName eq \"TAG.b\"", "ab"),
    ("userName eq \"TAG.a\" and userName eq \"TAG.b\"", ""),
    ("((userName sw \"TAG\") and ((title pr)))", "ab"),
    ("profileUrl pr", ""),
    ("x509Certificates.value pr or phoneNumbers[type eq \"work\"]", ""),
];

struct FilterFixture {
    scim: Client,
    tag: String,
    ids: [String; 3],
}

impl FilterFixture {
    fn create(target: &Target) -> Self {
        let scim = target.client();
        let tag = unique("f");
        let ids = people(&tag).map(|person| scim.post("/Users", &person).expect(201).id());
        Self { scim, tag, ids }
    }

    /// A filter of the table with the names and the id of these users.
    fn insert_names(&self, filter: &str) -> String {
        let filter = filter.replace("EXT", ENTERPRISE).replace("TAG", &self.tag);
        filter.replace("\"ID\"", &format!("\"{}\"", self.ids[0]))
    }

    fn matching(&self, filter: &str) -> String {
        let found = self.scim.find("/Users", filter);
        let letters = ["a", "b", "c"].into_iter().zip(&self.ids);
        letters.filter(|(_, id)| found.iter().any(|user| user["id"] == id.as_str())).map(|(letter, _)| letter).collect()
    }
}

fn each_filter_finds_its_users(target: &Target) {
    let people = FilterFixture::create(target);
    for (filter, expected) in ROWS {
        let filter = people.insert_names(filter);
        let ours = format!("userName sw \"{}\" and ({filter})", people.tag);
        assert_eq!(people.matching(&ours), *expected, "{ours}");
    }
}

fn each_filter_finds_its_users_in_the_whole_directory(target: &Target) {
    let people = FilterFixture::create(target);
    for (filter, expected) in ROWS {
        let filter = people.insert_names(filter);
        assert_eq!(people.matching(&filter), *expected, "{filter}");
    }
}

fn long_and_deep_filters_within_the_limits_are_accepted(target: &Target) {
    let people = FilterFixture::create(target);
    let name = format!("userName eq \"{}.a\"", people.tag);
    let deep = format!("{}{name}{}", "(".repeat(16), ")".repeat(16));
    assert_eq!(people.matching(&deep), "a");
    let mut long = name.clone();
    while long.len() + " or title eq \"none\"".len() <= 4_096 {
        long.push_str(" or title eq \"none\"");
    }
    assert_eq!(people.matching(&long), "a");
}

fn filters_see_every_change_immediately(target: &Target) {
    let people = FilterFixture::create(target);
    let path = format!("/Users/{}", people.ids[0]);
    let tag = &people.tag;
    for number in 0..10 {
        let external = format!("now-{tag}-{number}");
        let email = format!("now.{tag}.{number}@example.com");
        let operations = json!([
            { "op": "replace", "path": "externalId", "value": external },
            { "op": "replace", "path": "emails[type eq \"work\"].value", "value": email },
        ]);
        people.scim.patch(&path, &operations).expect(200);
        assert_eq!(people.matching(&format!("externalId eq \"{external}\"")), "a");
        assert_eq!(people.matching(&format!("emails.value eq \"{email}\"")), "a");
        let old = format!("externalId eq \"X-{tag}\" or emails.value eq \"ann.{tag}@example.com\"");
        assert_eq!(people.matching(&old), "", "expected no user by the old values");
    }
}

/// At the end of a word, the lower case of Σ is ς (Unicode "final sigma"). The end of a search text need not be the
/// end of a word in a name.
fn part_of_a_name_may_end_with_a_sigma(target: &Target) {
    let scim = target.client();
    let tag = unique("t");
    let names = ["ΟΔΟΣ", "ΟΔΟΣΣΕΑ", "οδος.α", "ΟΔΟΝ"].map(|name| format!("{tag}{name}"));
    for name in &names {
        scim.post("/Users", &json!({ "userName": name })).expect(201);
        scim.post("/Groups", &json!({ "displayName": name })).expect(201);
    }
    for (endpoint, attribute) in [("/Users", "userName"), ("/Groups", "displayName")] {
        let found = |filter: String| {
            let mut found: Vec<String> =
                scim.find(endpoint, &filter).iter().map(|one| one[attribute].as_str().unwrap().to_owned()).collect();
            found.sort_by_key(|name| names.iter().position(|other| other == name));
            found
        };
        for part in ["ΟΔΟΣ", "οδος", "οδοσ"] {
            // The first filter uses the key, and the second one does not.
            assert_eq!(found(format!("{attribute} sw \"{tag}{part}\"")), names[..3], "{part}");
            let without_key = format!("({attribute} sw \"{tag}{part}\" or id eq \"x\") and {attribute} co \"{tag}\"");
            assert_eq!(found(without_key), names[..3], "{part}");
            assert_eq!(found(format!("{attribute} sw \"{tag}\" and {attribute} co \"δ{}\"", &part[4..])), names[..3]);
        }
        assert_eq!(found(format!("{attribute} sw \"{tag}ΟΔΟΣΣ\"")), names[1..2]);
    }
}

/// RFC 7644 §7.8: strings are prepared before they are compared. In Unicode, `é` is one code point (NFC) or two (NFD).
fn each_spelling_of_a_text_is_found(target: &Target) {
    let scim = target.client();
    let tag = unique("t");
    let spellings = ["Café Noir", "Cafe\u{301} Noir", "CAFÉ NOIR", "CAFE\u{301} NOIR"];
    let mut users: Vec<String> = Vec::new();
    for (at, title) in spellings.iter().enumerate() {
        let user = json!({ "userName": format!("{tag}.{at}"), "title": title, "name": { "familyName": title } });
        users.push(scim.post("/Users", &user).expect(201).containing(&json!({ "title": title })).id());
    }
    users.sort();
    let group = scim.post("/Groups", &json!({ "displayName": format!("{tag} {}", spellings[1]) })).expect(201).id();
    let found = |endpoint: &str, filter: &str| {
        let mut ids: Vec<String> =
            scim.find(endpoint, filter).iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    for spelling in spellings {
        let (start, end) = spelling.split_once(' ').unwrap();
        for path in ["title", "name.familyName"] {
            for term in [
                format!("{path} eq \"{spelling}\""),
                format!("{path} sw \"{start}\""),
                format!("{path} co \"{} {}\"", &start[2..], &end[..2]),
                format!("not ({path} ne \"{spelling}\")"),
                format!("{path} ge \"{spelling}\" and {path} le \"{spelling}\""),
            ] {
                let filter = format!("userName sw \"{tag}\" and {term}");
                assert_eq!(found("/Users", &filter), users, "{filter}");
            }
        }
        for term in [
            format!("eq \"{tag} {spelling}\""),
            format!("sw \"{tag} {start}\""),
            format!("co \"{tag} {start}\""),
            format!("ew \"{spelling}\" and displayName co \"{tag}\""),
        ] {
            // The first filter can use the key of the name, and the second one cannot.
            let filter = format!("displayName {term}");
            assert_eq!(found("/Groups", &filter), std::slice::from_ref(&group), "{filter}");
            let without_key = format!("({filter} or id eq \"x\") and displayName co \"{tag}\"");
            assert_eq!(found("/Groups", &without_key), std::slice::from_ref(&group), "{without_key}");
        }
    }
}

/// `externalId` is `caseExact`: the client chose it, and finds it by exactly these characters.
fn exact_value_is_found_only_as_it_was_sent(target: &Target) {
    let scim = target.client();
    let tag = unique("x");
    let values = ["é", "e\u{301}", "É", "ς", "σ"].map(|end| format!("{tag}{end}"));
    let create = |(at, value): (usize, &String)| {
        scim.post("/Users", &json!({ "userName": format!("{tag}.{at}"), "externalId": value })).expect(201).id()
    };
    let ids: Vec<String> = values.iter().enumerate().map(create).collect();
    for (value, id) in values.iter().zip(&ids) {
        for operator in ["eq", "sw", "co", "ew"] {
            let filter = format!("userName sw \"{tag}\" and externalId {operator} \"{value}\"");
            let found = scim.find("/Users", &filter);
            assert_eq!(found.len(), 1, "{filter}");
            assert_eq!(found[0]["id"], id.as_str(), "{filter}");
        }
    }
}
