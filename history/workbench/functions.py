"""What a statement may call: aggregates and pure functions of their arguments, each chosen.

Left out on purpose: whatever reads something other than the rows of the statement (``file``, dictionaries, settings,
macros, host names), waits or throws (``sleep``, ``throwIf``), calls another function by a name in a string
(``arrayReduce``), or can be made to compute for minutes in one call, which no limit of the engine ends (``arrayFold``,
``has``, edit distances): IN and joins do what these are for.
"""

import difflib
import re

_AGGREGATES = """
    any any_respect_nulls anyHeavy anyLast anyLast_respect_nulls any_value argMax argMin avg avgWeighted boundingRatio
    corr corrStable count countDistinct covarPop covarSamp deltaSum deltaSumTimestamp entropy exponentialMovingAverage
    exponentialTimeDecayedAvg first_value groupArray groupArrayLast groupArrayMovingAvg groupArrayMovingSum
    groupArraySample groupArraySorted groupUniqArray histogram intervalLengthSum kurtPop kurtSamp
    largestTriangleThreeBuckets last_value mannWhitneyUTest max maxIntersections max_by median medianDD medianExact
    medianTDigest min min_by quantile quantileBFloat16 quantileDD quantileDeterministic quantileExact
    quantileExactExclusive quantileExactHigh quantileExactInclusive quantileExactLow quantileExactWeighted
    quantileInterpolatedWeighted quantileTDigest quantileTDigestWeighted quantileTiming quantiles quantilesBFloat16
    quantilesDD quantilesExact quantilesExactExclusive quantilesExactHigh quantilesExactInclusive quantilesExactLow
    quantilesExactWeighted quantilesInterpolatedWeighted quantilesTDigest quantilesTDigestWeighted quantilesTiming
    rankCorr simpleLinearRegression singleValueOrNull skewPop skewSamp sparkbar stddevPop stddevPopStable stddevSamp
    stddevSampStable studentTTest sum sumCount sumKahan sumWithOverflow topK topKWeighted uniq uniqCombined
    uniqCombined64 uniqExact uniqHLL12 varPop varPopStable varSamp varSampStable welchTTest
    BIT_AND BIT_OR STDDEV_POP STDDEV_SAMP VAR_POP VAR_SAMP approx_top_k group_concat groupConcat array_agg
"""
_WINDOWS = """
    cume_dist denseRank dense_rank lag lagInFrame lead leadInFrame nth_value ntile percentRank percent_rank rank
    row_number nonNegativeDerivative
"""
_ARITHMETIC = """
    abs divide gcd ifNotFinite intDiv intDivOrNull intDivOrZero isFinite isInfinite isNaN lcm max2 min2 minus modulo
    moduloOrZero multiply negate plus positiveModulo sqr bitAnd bitCount bitNot bitOr bitShiftLeft bitShiftRight bitTest
    bitXor ceil ceiling floor round roundBankers roundDown roundDuration roundToExp2 trunc truncate acos asin atan atan2
    cbrt cos cosh degrees e erf erfc exp exp10 exp2 hypot ln log log10 log1p log2 pi pow power radians sigmoid sign sin
    sinh sqrt tan tanh widthBucket clamp greatest least if multiIf caseWithExpression and or not xor
"""
_COMPARISON = """
    equals notEquals less lessOrEquals greater greaterOrEquals isDistinctFrom isNotDistinctFrom in notIn nullIn
    notNullIn exists isNull isNotNull isZeroOrNull ifNull nullIf coalesce assumeNotNull toNullable firstNonDefault
"""
_TIMES = """
    addDate addDays addHours addMinutes addMonths addQuarters addSeconds addWeeks addYears age date_diff dateDiff
    dateName DATE_TRUNC dateTrunc formatDateTime fromUnixTimestamp makeDate makeDateTime monthName now now64 subDate
    subtractDays subtractHours subtractMinutes subtractMonths subtractQuarters subtractSeconds subtractWeeks
    subtractYears timeSlot timeSlots timestampDiff time_bucket toDayOfMonth toDayOfWeek toDayOfYear toDaysInMonth toHour
    toISOWeek toISOYear toLastDayOfMonth toMillisecond toMinute toMonday toMonth toQuarter toRelativeDayNum
    toRelativeHourNum toRelativeMinuteNum toRelativeSecondNum toRelativeWeekNum toSecond toStartOfDay
    toStartOfFifteenMinutes toStartOfFiveMinutes toStartOfHour toStartOfInterval toStartOfMinute toStartOfMonth
    toStartOfQuarter toStartOfSecond toStartOfTenMinutes toStartOfWeek toStartOfYear toTimeZone toTimezone
    timezoneOffset toUnixTimestamp toUnixTimestamp64Milli fromUnixTimestamp64Milli toWeek toYYYYMM toYYYYMMDD toYear
    toYearWeek today yesterday curdate parseDateTimeBestEffort parseDateTimeBestEffortOrNull parseDateTime64BestEffort
    toInterval toIntervalDay toIntervalHour toIntervalMicrosecond toIntervalMillisecond toIntervalMinute toIntervalMonth
    toIntervalQuarter toIntervalSecond toIntervalWeek toIntervalYear DATE YEAR MONTH DAY HOUR MINUTE SECOND
"""
_TYPES = """
    CAST toBool toDate toDate32 toDateOrNull toDateTime toDateTime64 toDateTimeOrNull toDecimal32 toDecimal64
    toDecimal128 toFixedString toFloat32 toFloat64 toFloat64OrNull toFloat64OrZero toInt8 toInt16 toInt32 toInt64
    toInt64OrNull toInt64OrZero toInt128 toLowCardinality toString toUInt8 toUInt16 toUInt32 toUInt64 toUInt64OrNull
    toUInt64OrZero toUInt128 toUUID reinterpretAsFloat64 reinterpretAsUInt64 toTypeName
"""
_STRINGS = """
    ascii base64Decode base64Encode char concat concatWithSeparator countSubstrings empty endsWith extract extractAll
    extractGroups formatReadableDecimalSize formatReadableQuantity formatReadableSize
    formatReadableTimeDelta hex ilike initcap lcase left leftPad length lengthUTF8 like lower lowerUTF8 lpad ltrim match
    notEmpty notILike notLike notMatch position positionCaseInsensitive regexpExtract repeat replace replaceAll
    replaceOne replaceRegexpAll replaceRegexpOne reverse right rightPad rpad rtrim splitByChar splitByRegexp
    splitByString splitByWhitespace startsWith substr substring substringIndex substringUTF8 translate trim trimBoth
    trimLeft trimRight ucase unhex upper upperUTF8 bar transform cityHash64 sipHash64 xxHash64 MD5
    JSONExtractBool JSONExtractFloat JSONExtractInt JSONExtractString JSONExtractUInt JSONHas JSONLength toJSONString
"""
_ARRAYS = """
    array arrayAll arrayAvg arrayCompact arrayConcat arrayCount arrayCumSum arrayCumSumNonNegative arrayDifference
    arrayDistinct arrayElement arrayElementOrNull arrayEnumerate arrayEnumerateUniq arrayExists arrayFill arrayFilter
    arrayFirst arrayFirstIndex arrayFlatten arrayJoin arrayLast arrayLastIndex arrayMap arrayMax arrayMin arrayPopBack
    arrayPopFront arrayProduct arrayPushBack arrayPushFront arrayReverse arrayReverseFill arrayReverseSort
    arraySlice arraySort arraySplit arrayStringConcat arraySum arrayUniq arrayZip
    range map mapAdd mapApply mapConcat mapContains mapContainsKey mapExists mapFilter mapKeys
    mapSort mapSubtract mapValues tuple tupleElement tupleConcat tupleDivide tupleMinus tupleMultiply tuplePlus untuple
    dotProduct grouping
"""
_COMBINATORS = re.compile(r"(?:If|Array|Map|Distinct|OrNull|OrDefault|Merge|State|SimpleState|ForEach|ArgMin|ArgMax)$")
_PLAIN_TYPES = """
    Array Bool Date Date32 DateTime DateTime32 DateTime64 Decimal Decimal32 Decimal64 Decimal128 Enum8 Enum16
    FixedString Float32 Float64 Int8 Int16 Int32 Int64 Int128 LowCardinality Map Nothing Nullable String Tuple
    UInt8 UInt16 UInt32 UInt64 UInt128 UUID
"""
TYPES = frozenset(_PLAIN_TYPES.lower().split())
"""What a value may be made into. A state of an aggregate is not among them: the engine trusts its bytes."""
AGGREGATES = frozenset((_AGGREGATES + _WINDOWS).split())
FUNCTIONS = frozenset((_ARITHMETIC + _COMPARISON + _TIMES + _TYPES + _STRINGS + _ARRAYS).split())
_KNOWN = frozenset(name.lower() for name in AGGREGATES | FUNCTIONS)
_AGGREGATES_KNOWN = frozenset(name.lower() for name in AGGREGATES)


def is_allowed(name: str) -> bool:
    """Whether a statement may call `name`: one of the list, or an aggregate of it with combinators.

    The engine takes some names in any case; none of those it has differs from a name of the list by its case alone
    and does something else, which a test holds.

    >>> [is_allowed(name) for name in ("avg", "sumIf", "quantilesDDMerge", "SUM", "file", "fileIf", "toStringIf")]
    [True, True, True, True, False, False, False]
    """
    if name.lower() in _KNOWN:
        return True
    while (shorter := _COMBINATORS.sub("", name)) not in (name, ""):
        name = shorter
        if name.lower() in _AGGREGATES_KNOWN:
            return True
    return False


def nearest(name: str) -> str:
    """The name of the list that looks most like `name`; empty when none does.

    >>> nearest("toStartOfHours"), nearest("qwerty")
    ('toStartOfHour', '')
    """
    return next(iter(difflib.get_close_matches(name, AGGREGATES | FUNCTIONS, 1, 0.8)), "")
