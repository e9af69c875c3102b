"""What analysts' code takes for granted, and where it is."""

from __future__ import annotations

USUAL_NAMES = {
    "pd": "pandas",
    "np": "numpy",
    "plt": "matplotlib.pyplot",
    "sns": "seaborn",
    "px": "plotly.express",
    "go": "plotly.graph_objects",
    "sm": "statsmodels.api",
    "smf": "statsmodels.formula.api",
    "stats": "scipy.stats",
    "scipy": "scipy",
    "sklearn": "sklearn",
    "math": "math",
    "re": "re",
    "json": "json",
    "datetime": "datetime",
    "statistics": "statistics",
    "pl": "polars",
}
"""Names that analysts' code takes for granted, and the modules they mean."""

USUAL_MEMBERS = {
    member: module
    for module, members in {
        "sklearn.model_selection": "train_test_split cross_val_score KFold GridSearchCV",
        "sklearn.linear_model": "LinearRegression LogisticRegression Ridge Lasso",
        "sklearn.ensemble": (
            "RandomForestRegressor RandomForestClassifier "
            "GradientBoostingRegressor GradientBoostingClassifier IsolationForest"
        ),
        "sklearn.tree": "DecisionTreeRegressor DecisionTreeClassifier",
        "sklearn.neighbors": "KNeighborsRegressor KNeighborsClassifier",
        "sklearn.preprocessing": (
            "StandardScaler MinMaxScaler RobustScaler OneHotEncoder LabelEncoder OrdinalEncoder"
        ),
        "sklearn.impute": "SimpleImputer",
        "sklearn.pipeline": "make_pipeline Pipeline",
        "sklearn.compose": "ColumnTransformer",
        "sklearn.decomposition": "PCA",
        "sklearn.cluster": "KMeans",
        "sklearn.metrics": (
            "accuracy_score f1_score precision_score recall_score confusion_matrix "
            "mean_squared_error mean_absolute_error r2_score roc_auc_score"
        ),
        "scipy.stats": (
            "pearsonr spearmanr kendalltau shapiro anderson kstest normaltest ttest_ind ttest_rel "
            "chi2_contingency f_oneway mannwhitneyu zscore skew kurtosis linregress"
        ),
    }.items()
    for member in members.split()
}
"""Functions and classes that code uses without saying where they are from."""
