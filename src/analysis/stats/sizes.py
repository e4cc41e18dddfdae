"""Minimum sizes: how much a statement must rest on before it is made, and why so much.

With less the statement is withheld and the reason said; nothing is estimated from less in silence.
Which groups of customers a table shows by themselves is decided here alone, by `too_small`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def too_small(sizes: pd.Series, fewest: int) -> pd.Series:
    """Tell of each group of people whether it is too small to be shown by itself.

    A single small group could be had by taking the shown ones from the total, and so could several
    that are few people together; the smallest of those shown is withheld with them.
    """
    small = sizes < fewest
    alone = small.sum() == 1 or 0 < sizes[small].sum() < fewest
    if alone and not small.all():
        small = small | (sizes.index == sizes[~small].idxmin())
    return small


# Customers

#: Behind a published sum: of two, each knows what the other brought, and one is no group at all.
FEWEST_OF_A_SUM = 3

#: Of a group whose mean, share of a total or change gets an interval by resampling. On lognormal
#: values of sigma 1, intervals of a mean that promised 95 held the truth in 80 of 100 samples of
#: 10 customers, in 86 of 20, in 89 of 30 and in 90 of 50 (percentile; corrected ones 84, 87, 89,
#: 90): below 30 more than twice as many miss as at the best. 1,500 samples of each size.
FEWEST_CUSTOMERS = 30

#: Of a stage or history whose chance to return is told, and of who churned: with fewer a model
#: would learn their names.
FEWEST_RETURNED, FEWEST_CHURNED = FEWEST_CUSTOMERS, FEWEST_CUSTOMERS

#: Of a group for which a forecast is judged by itself, and of them who did what was forecast and
#: who did not: with ten of either, an AUC is known to about .15 to either side (Hanley and McNeil).
FEWEST_JUDGED, FEWEST_JUDGED_OF_A_KIND = 50, 10

#: That boosting learns value from, or that early signs are found on and checked on.
FEWEST_LEARNT, FEWEST_NEWCOMERS = 100, 100

#: Of an arm: below, the p of other random assignments replaces Welch's, for the same cause.
SMALL_ARM = FEWEST_CUSTOMERS

#: At the head of a ranking of thirty or more: fewer are single cases. Intervals of what they bring
#: held the truth in 32 to 86 of 100 samples where 95 were promised.
FEWEST_AT_HEAD = 10

#: Of a cohort followed month by month: Wilson's interval holds for counts as small as that, but
#: with fewer customers one of them moves the share by more than a tenth.
FEWEST_IN_COHORT = 10

#: Of whom a share of buyers or of newcomers is told; one is then 5 points at most.
FEWEST_FOLLOWED = 20

#: Of either side of an estimate that is adjusted for what the sides differ in. A floor below which
#: no model of targeting can be fitted, no promise of precision: that its interval tells.
FEWEST_OF_A_SIDE = 20

#: Worth so many by Kish's effective size: those not targeted, weighted to resemble the targeted.
FEWEST_EFFECTIVE = 30.0

#: Of an arm for a mean to be normal enough for a boundary that is looked at again and again.
FEWEST_IN_SEQUENCE = 50

#: Of an arm to learn from who responds: below, what is learnt does not hold for others.
FEWEST_TO_LEARN = 300

#: Matched pairs whose mean difference gets an interval, as the mean of a group.
FEWEST_PAIRS = FEWEST_CUSTOMERS

#: Stores or other clusters randomised: with fewer the robust variance is too small (Cameron,
#: Gelbach and Miller 2008, Rev. Econ. Stat. 90(3)).
FEWEST_CLUSTERS_DRAWN = 10

#: Products below which clusters of a regression are products in stores.
FEWEST_CLUSTERS_OF_PRODUCTS = 20

# Loyalty

#: Months of points that have all come due, from which the breakage of others is told: of three the
#: spread between them has two degrees of freedom, and its error is of the size of itself.
FEWEST_VINTAGES = 6

#: Customers in the bins around a threshold from which bunching and an effect are read: a dozen
#: bins on either side then hold about eight each.
FEWEST_AT_THRESHOLD = 200

#: Terms that ended, or referrals, of which a rate is told; one is then 5 points at most.
FEWEST_TERMS, FEWEST_REFERRALS = 20, 20

#: Customers with a known birthday whose weeks are looked at: about twenty purchases in the window.
FEWEST_BIRTHDAYS = 200

# Web

#: Pages of a session from which its pace is judged.
FEWEST_PAGES_OF_PACE = 20

# Occasions

#: Purchases of a product by a customer from which the next one is foreseen, and orders from which
#: a customer has gaps of their own.
FEWEST_OF_A_PRODUCT, FEWEST_ORDERS_OF_A_GAP = 4, 4

# Feedback

#: Products of a department that the usual rate of returns is read from, else the whole shop's.
FEWEST_OF_DEPARTMENT = 5

#: Answers of a group whose score is told: with fewer one answer moves an NPS by more than ten
#: points, and who answered could be guessed.
FEWEST_ANSWERS = 20

#: Answers of a side of a stratum whose own spread enters the error of a difference.
FEWEST_FOR_A_SPREAD = 5

#: Customers who use a word before a page shows it: what one person alone says is not shown.
FEWEST_WHO_SAY = 5

#: Texts that a model of sentiment learns from, and of the rarer mood.
FEWEST_TEXTS, FEWEST_OF_A_MOOD = 100, 20

#: Lines sold of a product whose returns are judged.
FEWEST_LINES_SOLD = 50

# Promotions

#: Drawn together: of two, the spread between them has one degree of freedom, and the interval it
#: gives says nothing beside their own.
FEWEST_PROMOTIONS = 3

#: Purchases before and after an offer of those whose return to the old price is followed.
FEWEST_PURCHASES = 10

#: Cells of product, store and week in which a kind of place must occur to be looked at by itself.
FEWEST_CELLS = 200

#: Weeks before a campaign on which its audience can be compared.
FEWEST_WEEKS_BEFORE_CAMPAIGN = 8

#: Weeks before a change and other products to blend: of 19, none further out is a p of 0.05.
FEWEST_WEEKS_TO_BLEND, FEWEST_DONORS = 13, 19

# Lines, categories and values

#: Lines of a customer, and categories, from which a response to discounts is read.
FEWEST_LINES, FEWEST_CATEGORIES = 20, 20

#: Discounted lines, and categories that hold them, from which stocking up is read.
FEWEST_STOCKED_LINES, FEWEST_STOCKED_CATEGORIES = 200, 10

#: Lines of an item a week that say whether it was on offer.
FEWEST_LINES_A_WEEK = 3

#: Orders of a product whose return rate is told: one return is one point then; and products of a
#: department whose middle says what is usual there.
FEWEST_SOLD_OF_RETURNS, FEWEST_PRODUCTS_OF_A_KIND = 100, 10

#: Products sold in both periods: with fewer an index of prices describes single products.
FEWEST_PRODUCTS = 30

#: Different values of a feature that clusters are formed on: fewer make clusters of themselves.
FEWEST_DISTINCT = 10

#: Rows of a group whose usual value and spread are known well enough to call one extreme.
FEWEST_ROWS = 30

# Weeks and other periods

#: Weeks of either period below which too few ways to deal them anew are left to call any rare.
FEWEST_WEEKS_TO_DEAL = 6

#: Weeks in which a customer bought: dealing fewer proves nothing.
FEWEST_WEEKS_BOUGHT = 6

#: Days of one weekday from which the usual one is said.
FEWEST_OF_A_WEEKDAY = 8

#: Whole weeks that tell a weekday's usual sales from one day's.
FEWEST_WHOLE_WEEKS = 4

#: Weeks that a weekly rhythm is read from.
FEWEST_WEEKS_OF_RHYTHM = 8

#: Least share of days with a sale: the closed ones between them are bridged, not known.
LEAST_TRADED = 0.5

#: Weeks of two years that growth is read from, at least and at most.
FEWEST_WEEKS_OF_GROWTH, MOST_WEEKS_OF_GROWTH = 4, 8

#: Periods that a slope is read from.
FEWEST_PERIODS_OF_TREND = 16

#: Periods of silence at either end that may mean a launch or an end, and periods with a sale:
#: with fewer there is no rate to compare the silence with.
FEWEST_SILENT, FEWEST_SOLD = 3, 4

# Forecasts

#: Periods a series must span at an origin to be judged there.
FEWEST_PERIODS_OF_ORIGIN = 12

#: Periods that the first level and slope of exponential smoothing are read from.
FEWEST_PERIODS_OF_LEVEL = 10

#: Weeks of a series with errors of ARIMA, and for each of its regressors.
FEWEST_WEEKS_OF_ARIMA, WEEKS_EACH_OF_ARIMA = 20, 6

#: Units and weeks of a product whose sales are explained, and weeks for each regressor.
FEWEST_UNITS, FEWEST_WEEKS_EXPLAINED, WEEKS_EACH_EXPLAINED = 50, 20, 3

#: Rows that trees are grown from.
FEWEST_ROWS_OF_TREES = 400

#: Origins for a significance statement.
FEWEST_ORIGINS = 5

#: Series and origins with forecasts at a peak, and without, that are calibrated apart.
FEWEST_AT_PEAKS = 50

#: Past changes that say what change is usual: with 39, the least and the greatest of them hold the
#: next with the probability 1 - 2 / 40 = 95 %, if it is one of their kind (order statistics).
FEWEST_CHANGES = 39
