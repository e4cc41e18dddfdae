"""What the shop sells: departments, and the products that carry a planted effect.

Products with an effect are sold by that effect alone, never by the general basket filling, so
that no planted effect reaches into another's numbers.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Department:
    """A department of the general range.

    Parameters
    ----------
    name
        Department.
    categories
        Its categories.
    share
        Share of the general range's lines.
    price
        Median price of a product.
    cost
        Unit cost as a share of price.
    taste
        Factor on the share by life stage (order of ``people.STAGES``).
    weighed
        Products sold by weight.
    """

    name: str
    categories: tuple[str, ...]
    share: float
    price: float
    cost: float
    taste: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    weighed: int = 0


DEPARTMENTS = (
    Department("Grocery", ("Cereal", "Canned food", "Baking", "Snacks", "Sweets"), 0.33, 2.2, 0.74),
    Department("Drinks", ("Water", "Juice", "Beer", "Wine"), 0.12, 2.9, 0.70, (1.6, 0.8, 0.9, 1.0)),
    Department("Dairy & chilled", ("Milk", "Yoghurt", "Cheese"), 0.14, 1.8, 0.72, weighed=6),
    Department("Fresh produce", ("Fruit", "Vegetables"), 0.10, 1.9, 0.66, weighed=14),
    Department("Meat & fish", ("Meat", "Fish"), 0.07, 5.2, 0.76, (0.8, 1.0, 1.1, 1.1), weighed=10),
    Department("Bakery & deli", ("Bread", "Pastry", "Deli"), 0.09, 2.0, 0.58, weighed=6),
    Department("Household", ("Cleaning", "Paper", "Laundry"), 0.08, 3.8, 0.68),
    Department(
        "Health & beauty",
        ("Hygiene", "Cosmetics", "Remedies"),
        0.05,
        5.4,
        0.62,
        (1.0, 0.8, 0.8, 1.7),
    ),
    Department("Baby & kids", ("Diapers", "Baby food"), 0.02, 6.8, 0.75, (0.2, 4.0, 1.0, 0.2)),
    Department("Electronics", ("Television", "Audio", "Computing", "Appliances"), 0.0, 299.0, 0.80),
    Department("Garden & seasonal", ("Garden", "Seasonal"), 0.0, 9.0, 0.60),
    Department("Toys & gifts", ("Toys", "Gifts"), 0.0, 12.0, 0.55),
)


@dataclass(frozen=True)
class Item:
    """A product that carries a planted effect: its key in the code, where it stands, its price."""

    key: str
    name: str
    department: str
    category: str
    price: float
    cost: float


#: Bought in each order with a fixed probability, independently of everything.
INDEPENDENT = tuple(
    Item(f"independent_{i}", name, department, category, price, 0.65 * price)
    for i, (name, department, category, price) in enumerate(
        (
            ("Sea salt", "Grocery", "Baking", 0.49),
            ("Cotton buds", "Health & beauty", "Hygiene", 0.59),
            ("Matches", "Household", "Cleaning", 0.29),
            ("Lemon", "Fresh produce", "Fruit", 0.29),
            ("Yeast", "Grocery", "Baking", 0.29),
            ("Sponges", "Household", "Cleaning", 0.69),
            ("Mineral water", "Drinks", "Water", 0.39),
            ("Bread roll", "Bakery & deli", "Bread", 0.29),
            ("Yoghurt drink", "Dairy & chilled", "Yoghurt", 0.49),
            ("Bin bags", "Household", "Paper", 0.99),
            ("Tissues", "Health & beauty", "Hygiene", 0.39),
            ("Chewing gum", "Grocery", "Sweets", 0.49),
        )
    )
)

PATTERNS = (
    Item("pair_0_a", "Spaghetti", "Grocery", "Canned food", 0.69, 0.45),
    Item("pair_0_b", "Tomato sauce", "Grocery", "Canned food", 0.89, 0.55),
    Item("pair_1_a", "Tortilla chips", "Grocery", "Snacks", 0.99, 0.60),
    Item("pair_1_b", "Cheese dip", "Grocery", "Snacks", 0.79, 0.50),
    Item("pair_2_a", "Toothbrush", "Health & beauty", "Hygiene", 0.89, 0.50),
    Item("pair_2_b", "Toothpaste", "Health & beauty", "Hygiene", 0.79, 0.47),
    Item("cola_0", "Blue cola", "Drinks", "Cola", 0.59, 0.42),
    Item("cola_1", "Red cola", "Drinks", "Cola", 0.59, 0.40),
    Item("cola_2", "House cola", "Drinks", "Cola", 0.39, 0.28),
    Item("bundle_0", "Taco shells", "Grocery", "Snacks", 1.09, 0.70),
    Item("bundle_1", "Salsa", "Grocery", "Canned food", 0.89, 0.57),
    Item("bundle_2", "Taco seasoning", "Grocery", "Baking", 0.49, 0.25),
    Item("leaflet_0", "Olive oil", "Grocery", "Baking", 1.49, 1.00),
    Item("leaflet_1", "Batteries", "Household", "Cleaning", 1.19, 0.65),
    Item("local_0", "Local honey", "Grocery", "Sweets", 1.39, 0.90),
    Item("local_1", "Local beer", "Drinks", "Beer", 0.69, 0.50),
    Item("summer_0", "Charcoal", "Household", "Cleaning", 1.49, 0.95),
    Item("summer_1", "Sun lotion", "Health & beauty", "Cosmetics", 1.39, 0.75),
)

ELECTRONICS = (
    Item("tv_0", "Television 43", "Electronics", "Television", 149.0, 122.0),
    Item("tv_1", "Television 50", "Electronics", "Television", 199.0, 160.0),
    Item("tv_2", "Television 65", "Electronics", "Television", 279.0, 220.0),
    Item("audio_0", "Soundbar", "Electronics", "Audio", 59.0, 41.0),
    Item("audio_1", "Sound system", "Electronics", "Audio", 89.0, 62.0),
    Item("audio_2", "Home cinema", "Electronics", "Audio", 129.0, 88.0),
    Item("cable", "HDMI cable", "Electronics", "Computing", 9.9, 3.2),
    Item("large_0", "Notebook", "Electronics", "Computing", 329.0, 280.0),
    Item("large_1", "Tablet", "Electronics", "Computing", 179.0, 150.0),
    Item("large_2", "Vacuum cleaner", "Electronics", "Appliances", 89.0, 66.0),
    Item("large_3", "Coffee machine", "Electronics", "Appliances", 129.0, 94.0),
    Item("large_4", "Printer", "Electronics", "Computing", 99.0, 79.0),
)

TRIALS = (
    Item("club_coffee", "Club coffee", "Drinks", "Coffee", 20.0, 8.0),
    Item("club_tea", "Club tea", "Drinks", "Coffee", 14.0, 6.0),
    Item("club_detergent", "Club detergent", "Household", "Laundry", 18.0, 9.0),
    Item("club_shampoo", "Club shampoo", "Health & beauty", "Cosmetics", 12.0, 5.0),
    Item("club_shower_gel", "Club shower gel", "Health & beauty", "Cosmetics", 12.0, 5.0),
    Item("club_chocolate", "Club chocolate", "Grocery", "Sweets", 16.0, 7.0),
    Item("club_wine", "Club wine", "Drinks", "Wine", 24.0, 12.0),
    Item("club_nuts", "Club nuts", "Grocery", "Snacks", 15.0, 6.0),
    Item("club_olives", "Club olives", "Grocery", "Canned food", 20.0, 8.0),
)
