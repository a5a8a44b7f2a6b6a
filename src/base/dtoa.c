#include "src/base/dtoa.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "src/base/num.h"

/* Grisu2 of Florian Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with Integers", PLDI 2010. It
 * gives digits that always read back as the same double, and in about 0.1% of cases one digit more than the shortest:
 * Redis uses it too, so those cases have to come out the same, and with them the choice between two cached powers that
 * would both do (power_for) and where an exponent is written (write_digits). */

/* significand * 2^exponent */
struct diy_fp {
    uint64_t f;
    int e;
};

enum {
    SIGNIFICAND_BITS = 52,
    EXPONENT_BIAS = 1023 + SIGNIFICAND_BITS,
    POWERS_FIRST = -348, /* of ten */
    POWERS_STEP = 8,
    POWERS = 87,
    /* Scaled exponents lie in here, so that the integral part of a scaled number fits 32 bits. */
    SCALED_MIN = -60,
    SCALED_MAX = -32,
    DIGITS_MAX = 18,
};

#define HIDDEN_BIT (1ULL << SIGNIFICAND_BITS)

/* 10^-348, 10^-340, ... 10^340, each the nearest with a normalized 64-bit significand. */
static const struct diy_fp powers[POWERS] = {
    {0xfa8fd5a0081c0288, -1220}, {0xbaaee17fa23ebf76, -1193}, {0x8b16fb203055ac76, -1166}, {0xcf42894a5dce35ea, -1140},
    {0x9a6bb0aa55653b2d, -1113}, {0xe61acf033d1a45df, -1087}, {0xab70fe17c79ac6ca, -1060}, {0xff77b1fcbebcdc4f, -1034},
    {0xbe5691ef416bd60c, -1007}, {0x8dd01fad907ffc3c, -980},  {0xd3515c2831559a83, -954},  {0x9d71ac8fada6c9b5, -927},
    {0xea9c227723ee8bcb, -901},  {0xaecc49914078536d, -874},  {0x823c12795db6ce57, -847},  {0xc21094364dfb5637, -821},
    {0x9096ea6f3848984f, -794},  {0xd77485cb25823ac7, -768},  {0xa086cfcd97bf97f4, -741},  {0xef340a98172aace5, -715},
    {0xb23867fb2a35b28e, -688},  {0x84c8d4dfd2c63f3b, -661},  {0xc5dd44271ad3cdba, -635},  {0x936b9fcebb25c996, -608},
    {0xdbac6c247d62a584, -582},  {0xa3ab66580d5fdaf6, -555},  {0xf3e2f893dec3f126, -529},  {0xb5b5ada8aaff80b8, -502},
    {0x87625f056c7c4a8b, -475},  {0xc9bcff6034c13053, -449},  {0x964e858c91ba2655, -422},  {0xdff9772470297ebd, -396},
    {0xa6dfbd9fb8e5b88f, -369},  {0xf8a95fcf88747d94, -343},  {0xb94470938fa89bcf, -316},  {0x8a08f0f8bf0f156b, -289},
    {0xcdb02555653131b6, -263},  {0x993fe2c6d07b7fac, -236},  {0xe45c10c42a2b3b06, -210},  {0xaa242499697392d3, -183},
    {0xfd87b5f28300ca0e, -157},  {0xbce5086492111aeb, -130},  {0x8cbccc096f5088cc, -103},  {0xd1b71758e219652c, -77},
    {0x9c40000000000000, -50},   {0xe8d4a51000000000, -24},   {0xad78ebc5ac620000, 3},     {0x813f3978f8940984, 30},
    {0xc097ce7bc90715b3, 56},    {0x8f7e32ce7bea5c70, 83},    {0xd5d238a4abe98068, 109},   {0x9f4f2726179a2245, 136},
    {0xed63a231d4c4fb27, 162},   {0xb0de65388cc8ada8, 189},   {0x83c7088e1aab65db, 216},   {0xc45d1df942711d9a, 242},
    {0x924d692ca61be758, 269},   {0xda01ee641a708dea, 295},   {0xa26da3999aef774a, 322},   {0xf209787bb47d6b85, 348},
    {0xb454e4a179dd1877, 375},   {0x865b86925b9bc5c2, 402},   {0xc83553c5c8965d3d, 428},   {0x952ab45cfa97a0b3, 455},
    {0xde469fbd99a05fe3, 481},   {0xa59bc234db398c25, 508},   {0xf6c69a72a3989f5c, 534},   {0xb7dcbf5354e9bece, 561},
    {0x88fcf317f22241e2, 588},   {0xcc20ce9bd35c78a5, 614},   {0x98165af37b2153df, 641},   {0xe2a0b5dc971f303a, 667},
    {0xa8d9d1535ce3b396, 694},   {0xfb9b7cd9a4a7443c, 720},   {0xbb764c4ca7a44410, 747},   {0x8bab8eefb6409c1a, 774},
    {0xd01fef10a657842c, 800},   {0x9b10a4e5e9913129, 827},   {0xe7109bfba19c0c9d, 853},   {0xac2820d9623bf429, 880},
    {0x80444b5e7aa7cf85, 907},   {0xbf21e44003acdd2d, 933},   {0x8e679c2f5e44ff8f, 960},   {0xd433179d9c8cb841, 986},
    {0x9e19db92b4e31ba9, 1013},  {0xeb96bf6ebadf77d9, 1039},  {0xaf87023b9bf0ee6b, 1066},
};

static const uint64_t tens[] = {1,
                                10,
                                100,
                                1000,
                                10000,
                                100000,
                                1000000,
                                10000000,
                                100000000,
                                1000000000,
                                10000000000,
                                100000000000,
                                1000000000000,
                                10000000000000,
                                100000000000000,
                                1000000000000000,
                                10000000000000000,
                                100000000000000000,
                                1000000000000000000,
                                10000000000000000000U};

static struct diy_fp normalize(struct diy_fp x)
{
    int shift = __builtin_clzll(x.f);
    return (struct diy_fp){x.f << shift, x.e - shift};
}

/* Rounded to the nearest. */
static struct diy_fp multiply(struct diy_fp a, struct diy_fp b)
{
    unsigned __int128 product = (unsigned __int128)a.f * b.f + (1ULL << 63);
    return (struct diy_fp){(uint64_t)(product >> 64), a.e + b.e + 64};
}

/* A cached power that brings a number with exponent e into the range above; *k is its decimal exponent. The range has
 * room for two at times; the estimate decides. */
static struct diy_fp power_for(int e, int *k)
{
    int approx = (int)(-(e + POWERS) * 0.30102999566398114);
    int i = (approx - POWERS_FIRST) / POWERS_STEP;
    while (e + powers[i].e + 64 < SCALED_MIN)
        i++;
    while (e + powers[i].e + 64 > SCALED_MAX)
        i--;
    *k = POWERS_FIRST + i * POWERS_STEP;
    return powers[i];
}

/* Moves the last digit down as long as that brings the text nearer to the number: rest is how far the text is below
 * the upper bound, target how far the number is, unit what one step of the digit is worth. */
static void round_last(char *last, uint64_t delta, uint64_t rest, uint64_t unit, uint64_t target)
{
    while (rest < target && delta - rest >= unit && (rest + unit < target || target - rest > rest + unit - target)) {
        --*last;
        rest += unit;
    }
}

/* The shortest digits between low and high that are near w, all three with the same exponent. Adds the decimal exponent
 * of the last digit to *k. */
static int generate(struct diy_fp w, struct diy_fp low, struct diy_fp high, char *digits, int *k)
{
    int shift = -high.e, n = 0;
    uint64_t one = 1ULL << shift, delta = high.f - low.f, target = high.f - w.f;
    uint64_t integral = high.f >> shift, fraction = high.f & (one - 1);
    for (int kappa = 9; kappa >= 0; kappa--) {
        uint64_t digit = integral / tens[kappa];
        integral %= tens[kappa];
        if (digit || n)
            digits[n++] = (char)('0' + digit);
        uint64_t rest = (integral << shift) + fraction;
        if (rest <= delta) {
            *k += kappa;
            round_last(&digits[n - 1], delta, rest, tens[kappa] << shift, target);
            return n;
        }
    }
    for (int kappa = -1;; kappa--) {
        fraction *= 10;
        delta *= 10;
        uint64_t digit = fraction >> shift;
        if (digit || n)
            digits[n++] = (char)('0' + digit);
        fraction &= one - 1;
        if (fraction < delta) {
            *k += kappa;
            round_last(&digits[n - 1], delta, fraction, one, target * tens[-kappa]);
            return n;
        }
    }
}

/* v is finite, positive and not zero: it is digits * 10^*k. */
static int shortest_digits(double v, char *digits, int *k)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    int exponent = (int)(bits >> SIGNIFICAND_BITS);
    struct diy_fp w = {bits & (HIDDEN_BIT - 1), 1 - EXPONENT_BIAS};
    if (exponent) {
        w.f += HIDDEN_BIT;
        w.e = exponent - EXPONENT_BIAS;
    }
    /* Half way to the neighbours; the lower one is nearer where the exponent changes. */
    struct diy_fp high = normalize((struct diy_fp){(w.f << 1) + 1, w.e - 1});
    int lower = w.f == HIDDEN_BIT ? 2 : 1;
    struct diy_fp low = {(w.f << lower) - 1, w.e - lower};
    low.f <<= low.e - high.e;
    low.e = high.e;
    int power;
    struct diy_fp scale = power_for(high.e, &power);
    w = multiply(normalize(w), scale);
    low = multiply(low, scale);
    high = multiply(high, scale);
    low.f++; /* the products may be off by one: stay inside */
    high.f--;
    *k = -power;
    return generate(w, low, high, digits, k);
}

static size_t write_exponent(char *dst, int exponent)
{
    size_t n = 0;
    dst[n++] = 'e';
    dst[n++] = exponent < 0 ? '-' : '+';
    return n + num_u64(dst + n, (uint64_t)(exponent < 0 ? -exponent : exponent));
}

static size_t write_digits(char *dst, const char *digits, int count, int k, bool negative)
{
    int exponent = k + count - 1; /* of the first digit */
    int distance = exponent < 0 ? -exponent : exponent;
    size_t n = (size_t)count;
    if (k >= 0 && distance < count + 7) {
        memcpy(dst, digits, n);
        memset(dst + n, '0', (size_t)k);
        return n + (size_t)k;
    }
    if (k < 0 && (k > -7 || distance < 4)) {
        if (exponent < 0) {
            size_t zeros = (size_t)distance - 1;
            memcpy(dst, "0.", 2);
            memset(dst + 2, '0', zeros);
            memcpy(dst + 2 + zeros, digits, n);
            return 2 + zeros + n;
        }
        size_t whole = (size_t)exponent + 1;
        memcpy(dst, digits, whole);
        dst[whole] = '.';
        memcpy(dst + whole + 1, digits + whole, n - whole);
        return n + 1;
    }
    size_t limit = negative ? DIGITS_MAX - 1 : DIGITS_MAX;
    n = n < limit ? n : limit;
    size_t at = 0;
    dst[at++] = digits[0];
    if (n > 1) {
        dst[at++] = '.';
        memcpy(dst + at, digits + 1, n - 1);
        at += n - 1;
    }
    return at + write_exponent(dst + at, exponent);
}

/* The texts of what is no number or has no digits; 0 if v is neither. */
static size_t write_special(char *dst, double v)
{
    const char *text = isnan(v) ? "nan" : isinf(v) ? (v < 0 ? "-inf" : "inf") : v == 0 ? (signbit(v) ? "-0" : "0") : "";
    size_t n = strlen(text);
    memcpy(dst, text, n);
    return n;
}

bool dtoa_whole(double v, int64_t *out)
{
    const double most = (double)(INT64_MAX / 2);
    if (!(v >= -most && v <= most) || v != (double)(int64_t)v)
        return false;
    *out = (int64_t)v;
    return true;
}

size_t dtoa_double(char *dst, double v)
{
    size_t n = write_special(dst, v);
    if (n)
        return n;
    int64_t whole;
    if (dtoa_whole(v, &whole))
        return num_i64(dst, whole);
    bool negative = v < 0;
    if (negative)
        *dst++ = '-';
    char digits[DIGITS_MAX + 2];
    int k;
    int count = shortest_digits(fabs(v), digits, &k);
    return write_digits(dst, digits, count, k, negative) + negative;
}

size_t dtoa_auto(char *dst, double v)
{
    size_t n = write_special(dst, v);
    return n ? n : (size_t)snprintf(dst, DTOA_CHARS, "%.17g", v);
}

size_t dtoa_human(char *dst, long double v)
{
    if (isnan(v) || isinf(v))
        return write_special(dst, (double)v);
    size_t n = (size_t)snprintf(dst, DTOA_HUMAN_CHARS, "%.17Lf", v);
    while (dst[n - 1] == '0')
        n--;
    if (dst[n - 1] == '.')
        n--;
    if (n == 2 && memcmp(dst, "-0", 2) == 0) {
        dst[0] = '0';
        n = 1;
    }
    return n;
}
