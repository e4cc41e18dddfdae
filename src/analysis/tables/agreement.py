"""The levels at which two customer records can agree, and what brings two together at all."""

from __future__ import annotations

#: Levels of agreement of each key, the closest first: its words, its test, its usual m, least u.
LEVELS: dict[str, tuple[tuple[str, str, float, float], ...]] = {
    "name": (
        ("same name", "name_l = name_r", 0.70, 1e-5),
        ("name with a slip", "jaro_winkler_similarity(name_l, name_r) >= 0.92", 0.17, 1e-4),
        ("similar name", "jaro_winkler_similarity(name_l, name_r) >= 0.80", 0.08, 1e-2),
        ("other name", "ELSE", 0.05, 0.99),
    ),
    "birth_date": (
        ("same birth date", "birth_date_l = birth_date_r", 0.90, 1e-5),
        (
            "birth date with a slip",
            "damerau_levenshtein(birth_date_l, birth_date_r) <= 1",
            0.06,
            1e-3,
        ),
        ("other birth date", "ELSE", 0.04, 0.99),
    ),
    "postcode": (
        ("same postcode", "postcode_l = postcode_r", 0.75, 1e-4),
        ("postcode with a slip", "damerau_levenshtein(postcode_l, postcode_r) <= 1", 0.05, 1e-3),
        ("other postcode", "ELSE", 0.20, 0.99),
    ),
    "email": (
        ("same e-mail", "email_l = email_r", 0.50, 1e-6),
        ("e-mail with a slip", "damerau_levenshtein(email_l, email_r) <= 2", 0.07, 1e-5),
        (
            "same e-mail before the @",
            "split_part(email_l, '@', 1) = split_part(email_r, '@', 1)",
            0.08,
            1e-4,
        ),
        ("other e-mail", "ELSE", 0.35, 0.99),
    ),
    "phone": (
        ("same phone", "phone_l = phone_r", 0.50, 1e-6),
        ("phone with a slip", "damerau_levenshtein(phone_l, phone_r) <= 1", 0.05, 1e-4),
        ("other phone", "ELSE", 0.45, 0.99),
    ),
}


#: Pairs are looked at only if one of these agrees, with the keys that each needs.
BLOCKS = (
    ("l.email = r.email", ("email",)),
    ("l.phone = r.phone", ("phone",)),
    ("l.name = r.name", ("name",)),
    ("l.birth_date = r.birth_date and l.postcode = r.postcode", ("birth_date", "postcode")),
    (
        "l.birth_date = r.birth_date and substr(l.name, 1, 2) = substr(r.name, 1, 2)",
        ("birth_date", "name"),
    ),
    (
        "l.postcode = r.postcode and substr(l.name, 1, 1) = substr(r.name, 1, 1)",
        ("postcode", "name"),
    ),
    ("split_part(l.email, '@', 1) = split_part(r.email, '@', 1)", ("email",)),
)
