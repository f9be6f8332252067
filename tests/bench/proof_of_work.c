/* A native solver of the check's task, as somebody would write it who wants to pay least: PBKDF2-HMAC-SHA-256 of one
   block, both pads hashed once a step, with the processor's own SHA instructions where it has them.

   Reads "nonce salt prefix cost ceiling" (the first three in hex) from its arguments, tries every counter below the
   ceiling, and prints the counter, the nanoseconds of processor time, and which SHA it used. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__SHA__) && defined(__SSE4_1__)
#include <immintrin.h>
#define NAME "sha instructions"
#else
#define NAME "plain C"
#endif

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
static const uint32_t START[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/* One compression of sixteen words in the processor's own order. */
static void compress(uint32_t state[8], const uint32_t block[16])
{
#if defined(__SHA__) && defined(__SSE4_1__)
    __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&state[0]), 0xB1);
    __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&state[4]), 0x1B);
    __m128i abef = _mm_alignr_epi8(low, high, 8), cdgh = _mm_blend_epi16(high, low, 0xF0);
    __m128i abef0 = abef, cdgh0 = cdgh, w[4];
    for (int i = 0; i < 4; i++)
        w[i] = _mm_loadu_si128((const __m128i *)&block[4 * i]);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        __m128i now = w[i & 3];
        __m128i sum = _mm_add_epi32(now, _mm_loadu_si128((const __m128i *)&K[4 * i]));
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
        __m128i next = _mm_sha256msg1_epu32(now, w[(i + 1) & 3]);
        next = _mm_add_epi32(next, _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
        w[i & 3] = _mm_sha256msg2_epu32(next, w[(i + 3) & 3]);
    }
    abef = _mm_add_epi32(abef, abef0);
    cdgh = _mm_add_epi32(cdgh, cdgh0);
    low = _mm_shuffle_epi32(abef, 0x1B);
    high = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)&state[0], _mm_blend_epi16(low, high, 0xF0));
    _mm_storeu_si128((__m128i *)&state[4], _mm_alignr_epi8(high, low, 8));
#else
#define TURN(x, n) (((x) >> (n)) | ((x) << (32 - (n))))
    uint32_t w[64], s[8];
    memcpy(w, block, 64);
    memcpy(s, state, 32);
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (TURN(a, 7) ^ TURN(a, 18) ^ (a >> 3)) + w[i - 7] + (TURN(b, 17) ^ TURN(b, 19) ^ (b >> 10));
    }
    for (int i = 0; i < 64; i++) {
        uint32_t e = s[4], a = s[0];
        uint32_t one = s[7] + (TURN(e, 6) ^ TURN(e, 11) ^ TURN(e, 25)) + ((e & s[5]) ^ (~e & s[6])) + K[i] + w[i];
        uint32_t two = (TURN(a, 2) ^ TURN(a, 13) ^ TURN(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
        memmove(&s[1], &s[0], 28);
        s[4] += one;
        s[0] = one + two;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
#endif
}

static void words(uint32_t block[16], const uint8_t *bytes, size_t length, uint8_t pad, uint64_t bits)
{
    uint8_t raw[64] = {0};
    memcpy(raw, bytes, length);
    if (bits)
        raw[length] = 0x80;
    for (int i = 0; i < 16; i++)
        block[i] = (uint32_t)(raw[4 * i] ^ pad) << 24 | (raw[4 * i + 1] ^ pad) << 16 | (raw[4 * i + 2] ^ pad) << 8
            | (raw[4 * i + 3] ^ pad);
    if (bits)
        block[15] = (uint32_t)bits;
}

static size_t bytes_of(uint8_t *into, const char *hex)
{
    size_t length = strlen(hex) / 2;
    for (size_t i = 0; i < length; i++) {
        unsigned value;
        sscanf(hex + 2 * i, "%2x", &value);
        into[i] = (uint8_t)value;
    }
    return length;
}

static void derive(uint32_t out[8], const uint8_t *key, size_t key_length, const uint8_t *salt, size_t salt_length,
                   long cost)
{
    uint32_t inner[8], outer[8], block[16], digest[16] = {0}, first[8];
    memcpy(inner, START, 32);
    memcpy(outer, START, 32);
    words(block, key, key_length, 0x36, 0);
    compress(inner, block);
    words(block, key, key_length, 0x5c, 0);
    compress(outer, block);
    uint8_t message[64];
    memcpy(message, salt, salt_length);
    memcpy(message + salt_length, "\0\0\0\1", 4);
    words(block, message, salt_length + 4, 0, (64 + salt_length + 4) * 8);
    memcpy(first, inner, 32);
    compress(first, block);
    digest[8] = 0x80000000;
    digest[15] = (64 + 32) * 8;
    for (long i = 0; i < cost; i++) {
        if (i) {
            memcpy(first, inner, 32);
            compress(first, digest);
        }
        memcpy(digest, first, 32);
        memcpy(first, outer, 32);
        compress(first, digest);
        memcpy(digest, first, 32);
        for (int j = 0; j < 8; j++)
            out[j] = i ? out[j] ^ first[j] : first[j];
    }
}

int main(int count, char **argument)
{
    if (count != 6)
        return 2;
    uint8_t key[64], salt[60], prefix[64], found[32];
    size_t nonce_length = bytes_of(key, argument[1]), salt_length = bytes_of(salt, argument[2]);
    size_t prefix_length = bytes_of(prefix, argument[3]);
    long cost = atol(argument[4]), ceiling = atol(argument[5]);
    for (long counter = 0; counter < ceiling; counter++) {
        uint32_t out[8];
        for (int i = 0; i < 4; i++)
            key[nonce_length + (size_t)i] = (uint8_t)(counter >> (24 - 8 * i));
        derive(out, key, nonce_length + 4, salt, salt_length, cost);
        for (int i = 0; i < 32; i++)
            found[i] = (uint8_t)(out[i / 4] >> (24 - 8 * (i % 4)));
        if (memcmp(found, prefix, prefix_length) == 0) {
            struct timespec spent;
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
            printf("%ld %lld " NAME "\n", counter, (long long)spent.tv_sec * 1000000000 + spent.tv_nsec);
            return 0;
        }
    }
    return 1;
}
