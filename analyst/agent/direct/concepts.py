"""Words of statistics and data work that have a definition, whatever data is at hand.

A closed list on purpose: a word that is not here is never taken for one. Here: the words, in
lower case and the singular, and with which articles they stand for themselves. Not here: in which
questions they ask for a definition (:mod:`analyst.agent.direct.forms`).
"""

from __future__ import annotations

from typing import Final


def _listed(text: str) -> frozenset[str]:
    return frozenset(entry.strip() for line in text.splitlines() for entry in line.split(","))


COUNTABLE: Final = _listed(
    """p-value, p value, t-test, t test, z-test, z test, f-test, f test, chi-square test
    chi-squared test, chi square test, paired t-test, two-sample t-test, permutation test
    one-tailed test, two-tailed test, one-sided test, two-sided test, hypothesis test
    significance test, mann-whitney test, mann-whitney u test, wilcoxon test, sign test
    kruskal-wallis test, kolmogorov-smirnov test, shapiro-wilk test, durbin-watson test
    levene test, dickey-fuller test, normality test, non-parametric test, z-score, z score
    t-statistic, test statistic, f-statistic, confidence interval, prediction interval
    credible interval, confidence level, significance level, standard deviation, standard error
    variance, mean, median, mode, quartile, percentile, quantile, decile, percentage point
    basis point, interquartile range, weighted average, weighted mean, geometric mean
    harmonic mean, arithmetic mean, trimmed mean, moving average, rolling average, rolling mean
    running total, cumulative sum, histogram, box plot, boxplot, violin plot, scatter plot
    scatterplot, bar chart, pie chart, line chart, heat map, heatmap, density plot, q-q plot
    qq plot, pareto chart, waterfall chart, funnel chart, roc curve, precision-recall curve
    lorenz curve, learning curve, confusion matrix, correlation matrix, covariance matrix
    correlation, correlation coefficient, rank correlation, partial correlation, covariance
    regression, linear regression, logistic regression, regression line, regression coefficient
    residual, outlier, null hypothesis, alternative hypothesis, type i error, type ii error
    type 1 error, type 2 error, false positive, false negative, true positive, true negative
    effect size, degree of freedom, random variable, probability distribution, distribution
    normal distribution, uniform distribution, binomial distribution, poisson distribution
    exponential distribution, gaussian distribution, bell curve, long tail, heavy tail
    probability density function, cumulative distribution function, pivot table, contingency table
    cross tabulation, crosstab, left join, right join, inner join, outer join, full outer join
    cross join, anti join, semi join, self join, many-to-many join, one-to-many join, join
    window function, primary key, foreign key, data frame, dataframe, data warehouse, data lake
    time series, lag, unit root, random walk, white noise process, decision tree, random forest
    neural network, classifier, regression tree, support vector machine, confounder
    confounding variable, covariate, control group, treatment group, a/b test, ab test
    randomized controlled trial, natural experiment, cohort analysis, conversion rate, churn rate
    growth rate, odds ratio, hazard ratio, risk ratio, relative risk, likelihood ratio
    likelihood function, prior distribution, posterior distribution, bayes factor, markov chain
    monte carlo simulation, bootstrap sample, bootstrap confidence interval, r-squared value
    gini coefficient, categorical variable, continuous variable, discrete variable
    ordinal variable, nominal variable, dummy variable, indicator variable, dependent variable
    independent variable, latent variable, instrumental variable, interaction effect, fixed effect
    random effect, mixed model, mixed effects model, linear model, generalized linear model
    training set, test set, validation set, hyperparameter, loss function, cost function
    lambda function, list comprehension, regular expression, missing value, null value, nan"""
)
"""What can stand after "a" or "an"; with "the" it would be one of the data at hand."""

UNCOUNTABLE: Final = _listed(
    """heteroscedasticity, heteroskedasticity, homoscedasticity, homoskedasticity
    multicollinearity, collinearity, overfitting, underfitting, stationarity, endogeneity
    bootstrapping, bagging, boosting, gradient boosting, regularization, regularisation
    cross-validation, cross validation, k-fold cross-validation, imputation, multiple imputation
    extrapolation, one-hot encoding, label encoding, feature engineering, feature selection
    feature scaling, data leakage, survivorship bias, selection bias, sampling bias
    confirmation bias, publication bias, recall bias, omitted variable bias, simpson's paradox
    regression to the mean, bayes' theorem, bayes theorem, occam's razor, machine learning
    deep learning, supervised learning, unsupervised learning, reinforcement learning
    transfer learning, statistics, data science, statistical significance, statistical power
    linear regression, logistic regression, ridge regression, lasso regression, poisson regression
    quantile regression, principal component analysis, pca, factor analysis, k-means
    k-means clustering, hierarchical clustering, dbscan, anova, ancova, manova
    analysis of variance, survival analysis, cohort analysis, time series analysis
    exploratory data analysis, eda, sentiment analysis, conjoint analysis, causal inference
    bayesian inference, bayesian statistics, frequentist statistics, maximum likelihood
    maximum likelihood estimation, ordinary least squares, gradient descent, data cleaning
    data wrangling, tidy data, wide format, long format, p-hacking, data dredging, arima
    exponential smoothing, differencing, winsorizing, winsorization, pandas, numpy, duckdb, sql
    parquet, json"""
)
"""What stands without an article, and cannot be asked of data by "what is"."""

DEFINITE: Final = _listed(
    """central limit theorem, law of large numbers, law of small numbers, curse of dimensionality
    bias-variance tradeoff, bias-variance trade-off, pareto principle, elbow method, iqr rule
    base rate fallacy, gambler's fallacy, ecological fallacy, texas sharpshooter fallacy
    hawthorne effect, benford's law, normal distribution, standard normal distribution
    difference-in-differences method, bonferroni correction, empirical rule, empirical bayes method
    method of least squares, least squares method, box-cox transformation"""
)
"""What stands after "the", and is one for all data."""

ABBREVIATIONS: Final = _listed(
    """pca, anova, ancova, rmse, mae, mape, auc, roc, iqr, cagr, sql, csv, json, etl, kpi, ols
    glm, nan, eda, mle, arima, mcmc, svm, knn, lstm, fdr, vif, aic, bic, cdf, pdf, api, olap"""
)
"""What can be asked to be spelt out."""


_ARTICLES = ("a ", "an ")


def is_term(text: str) -> bool:
    """Whether words mean a concept, and nothing at hand: "a mean" does, "the mean" may not."""
    for article in _ARTICLES:
        if text.startswith(article):
            return text.removeprefix(article) in COUNTABLE
    return text in UNCOUNTABLE or text.removeprefix("the ") in DEFINITE


def is_named(text: str) -> bool:
    """Whether words, asked for their meaning, mean a concept: with "a" or without."""
    return is_term(text) or text in COUNTABLE
