"""Which questions are answered without code. A question about data never is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.agent.context import Exchange
from analyst.agent.direct.concepts import COUNTABLE, UNCOUNTABLE
from analyst.agent.direct.kinds import keeps_to, kind_of

NAMES = (
    "sales",
    "df",
    "region",
    "price",
    "unit_price",
    "qty",
    "Order Date",
    "customers.csv",
    "churn_rate",
    "a",
)
TWO_NUMBERS = [Exchange("Mean qty by region?", "North has 12.5, south has 9.1.")]
FAILED = [*TWO_NUMBERS, Exchange("And west?", "**No complete answer:** it was stopped.")]

DEFINITIONS = """
What is a p-value?
what's a p-value
What is a p-value again?
What is a confidence interval, in simple words?
What is the difference between a t-test and a z-test?
What is the difference between supervised learning and unsupervised learning?
How does a t-test differ from a z-test?
What does heteroscedasticity mean?
What does standard deviation mean?
What does the term outlier mean?
What is heteroscedasticity?
What is overfitting?
Please explain what a confounder is.
Can you explain what a left join is?
Could you please tell me what a quartile is?
explain the concept of statistical significance
What is meant by regression to the mean?
What is the definition of a percentile?
What is Simpson's paradox?
What is the central limit theorem?
Define the term interquartile range
How do I interpret a p-value?
How should one read a box plot?
How does linear regression work?
How does a random forest work?
When should I use a median instead of a mean?
When would you use logistic regression?
Why do people use cross-validation?
What does PCA stand for?
What does IQR mean?
What exactly is a z-score?
Ok, and what is a standard error?
What is an odds ratio, please?
In statistics, what is a residual?
What is a pivot table?
what is a DataFrame
What is ANOVA?
What does a correlation coefficient measure?
""".strip().splitlines()

FOLLOW_UPS = """
Which of the two was larger?
Which one is higher?
which was the lower of the two
And which of them is smaller?
Which of the two is the largest?
Say that in one sentence.
Can you say that in one sentence, please?
In one sentence please
Put it in plain English.
Summarize your answer.
Summarise that in two sentences
Please rephrase that
Explain that in simple words
Explain this to a layperson.
Give me that as bullet points
Translate that into German
Say it in French.
What was the answer again?
What was your previous answer?
What did you say before?
what were the numbers again?
What did I ask first?
Remind me what you said
Repeat your answer
shorter, please
tl;dr
What does that mean?
Put that in at most 20 words
""".strip().splitlines()

ABOUT_DATA = """
What is the mean?
What is the mean price?
What is a mean price?
What is the p-value?
What's the p-value of the difference between north and south?
What is a p-value of a t-test between north and south?
What is the median?
What is the standard deviation of qty?
What is the correlation between price and qty?
What is the difference between the mean and the median?
What is the difference between north and south?
What is the difference between mean and median?
What is the distribution?
What is the normal range?
What is a typical price?
What is a good price?
What is an average order?
What is a customer worth?
What are the outliers?
What are outliers?
What are residuals?
What is variance?
What is correlation?
What is skewness?
What is the churn rate?
What is a churn rate?
What is churn_rate?
What is region?
What is df?
What is sales?
What is in sales?
What does region mean?
What does unit price mean?
What does the price column mean?
What does a mean of 3 mean here?
What does a p-value of 0.03 mean?
How is the median computed here?
How does price work?
How does a price differ from a qty?
When do customers buy?
When should we use the discount?
Explain the trend
Explain the outliers
Explain overfitting of this model
Explain what the mean is
Explain what the p-value is
Define a cohort
Define outliers as values above 3 sigma
Define the term churn rate
Tell me what the regression says
What is a histogram of price?
Show me a histogram
Draw a box plot
Compute a t-test
Do a t-test
What is a t-test for north vs south?
What is linear regression of qty on price?
What is the linear regression?
How many rows?
How many are there?
Which is the best region?
Which region is larger?
Which of the regions is larger?
Which of the two regions was larger?
Which of the three was larger?
Which is larger, north or west?
Which is the largest?
Which one sold most?
Which of them has the highest price?
Which was larger in 2023?
Which of the two was larger by percentage?
How much larger?
What is the difference between them?
What is their ratio?
What is the sum of the two?
Is that significant?
Why?
Are you sure?
Say how many rows there are
Say that for the south
And in French?
And in Germany?
and by region?
And for the west?
And now?
the same for price
Do that again
Repeat that for price
Repeat that
Run it again
again
Summarize the data
Summarize this
Summarize it
Summarize sales in one sentence
Summarize that by region
Put it in a table by region
Put that into df
Give me the answer rounded to two decimals
What was the answer for 2023?
What was the price again?
What was the value of qty again?
What did you drop?
What did you do with missing values?
Translate the region column to English
Explain that by region
Explain the price in simple words
shorter than 5
In one sentence per region
What does that mean for price?
What did customers say?
What did I sell first?
Thanks, now plot price
Hello, what is the mean?
What is a p-value? And what is the one of north against south?
What is a p-value and is ours small?
What is a missing value in price?
What is the IQR?
What is IQR?
What is PCA of the data?
What does NaN in price mean?
Is there multicollinearity?
Is this overfitting?
What is the seasonality?
What is the base rate?
What is the effect size?
Is a t-test significant?
""".strip().splitlines()


def kind(question: str, exchanges: list[Exchange] | None = None, names=NAMES):
    given = TWO_NUMBERS if exchanges is None else exchanges
    return kind_of(question, names=names, exchanges=given)


@pytest.mark.parametrize("question", DEFINITIONS)
def test_definitions_need_no_code(question: str) -> None:
    assert kind(question) == "definition"
    assert kind(question, []) == "definition"
    assert kind(question.upper()) == "definition"


@pytest.mark.parametrize("question", FOLLOW_UPS)
def test_what_was_said_needs_no_code(question: str) -> None:
    assert kind(question) == "follow_up"
    # Without a conversation, or after a run without an answer, there is nothing it could mean.
    assert kind(question, []) is None
    assert kind(question, FAILED) is None


@pytest.mark.parametrize("question", ABOUT_DATA)
def test_questions_about_data_go_through_the_loop(question: str) -> None:
    assert kind(question) is None
    assert kind(question, []) is None


def test_there_are_enough_of_both() -> None:
    assert len(DEFINITIONS) + len(FOLLOW_UPS) >= 60
    assert len(ABOUT_DATA) >= 100


@pytest.mark.parametrize("question", ["Hello!", "Thanks a lot.", "Who are you?", "hi there"])
def test_courtesy_needs_no_code(question: str) -> None:
    assert kind(question) == "courtesy"


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("What is a p-value?", "p_value"),
        ("What is a p-value?", "P Value"),
        ("What is a mode?", "mode"),
        ("What is a quartile?", "quartiles"),
        ("What is overfitting?", "Overfitting"),
        ("What does IQR mean?", "iqr"),
        ("What was the value again?", "value"),
        ("What was the answer again?", "Answer"),
        ("Thanks", "thanks"),
    ],
)
def test_what_is_called_like_something_at_hand_is_that(question: str, name: str) -> None:
    assert kind(question, names=(name,)) is None
    assert kind(question, names=("other",)) is not None


def test_a_comparison_takes_two_numbers_that_were_said() -> None:
    asked = "Which of the two was larger?"
    for answer in ("North has more.", "The mean is 12.5.", "12.5, 9.1 and 7.", "9.1 and 9.10"):
        assert kind(asked, [Exchange("q", answer)]) is None
    # Of what was said before the last answer, nobody knows which two are meant.
    assert kind(asked, [*TWO_NUMBERS, Exchange("q", "It is 3.")]) is None


@given(st.sampled_from(sorted(COUNTABLE)), st.sampled_from(["price", "Order Date", "df", "region"]))
def test_a_concept_of_something_at_hand_is_computed(concept: str, name: str) -> None:
    for form in (
        "What is a {0} of {1}?",
        "What is the {0}?",
        "What is the {0} of {1}?",
        "What is a {1} {0}?",
        "Explain what the {0} of {1} means",
        "{0} of {1}",
        "Compute a {0}",
        "How does a {0} of {1} work?",
    ):
        if form == "What is the {0}?" and concept == "normal distribution":
            continue
        assert kind(form.format(concept, name)) is None


@given(st.sampled_from(sorted(COUNTABLE | UNCOUNTABLE)))
def test_every_concept_can_be_asked_for(concept: str) -> None:
    assert kind(f"What does {concept} mean?", names=()) == "definition"


@given(st.text(max_size=300))
def test_no_text_raises(text: str) -> None:
    kind_of(text, names=[text, text[:5]], exchanges=TWO_NUMBERS)
    assert kind_of(text + " by region 7", names=(), exchanges=TWO_NUMBERS) is None


@pytest.mark.parametrize(
    ("reply", "keeps"),
    [
        ("North, with 12.5.", True),
        ("The north: 12.5 against 9.1.", True),
        ("South has about 9.", True),
        ("North is higher.", True),
        ("North has 12.6.", False),
        ("North, by 3.4.", False),
        ("There are 2 regions.", False),
        ("North is twice as high.", False),
        ("North is 37% higher.", False),
        ("North is half of it.", False),
    ],
)
def test_a_reply_keeps_to_the_numbers_that_were_said(reply: str, keeps: bool) -> None:
    assert keeps_to(reply, ["Mean by region?", "North has 12.5, south has 9.1."]) is keeps
