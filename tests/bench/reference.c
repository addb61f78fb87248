/* What one careful loop needs for the least of the work: the measure that figures are compared with on any machine.
 * For each packet of a classic little-endian pcap: Ethernet and VLAN, IPv4, TCP or UDP, a flow table; on port 502 the Modbus
 * header, and the request that a response belongs to. No stream order, no duplicates, no policy, no rules, no output.
 *
 *     cc -O2 -o reference reference.c && ./reference FILE
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, LARGEST = 1 << 18, SLOTS = 1 << 19, OPEN = 4 };

struct flow {
    uint64_t addresses, ports;      /* ports 0: the slot is free */
    uint64_t packets[2], bytes[2];
    uint64_t asked[OPEN];           /* when; 0: nothing open */
    uint16_t number[OPEN];
    uint32_t turn;
};

static struct flow *table;
static uint64_t packets, flow_count, messages, pairs, waited;

static uint16_t two(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t four(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return __builtin_bswap32(v); }

static uint64_t mixed(uint64_t a, uint64_t b) {
    uint64_t h = (a ^ (b << 17 | b >> 47)) * 0x9FB21C651E98DF25ull;
    return (h ^ h >> 32) * 0xD6E8FEB86659FD93ull;
}

static struct flow *flow_of(uint64_t addresses, uint64_t ports) {
    uint64_t slot = mixed(addresses, ports) >> 45;
    for (;; slot = (slot + 1) & (SLOTS - 1)) {
        struct flow *f = &table[slot];
        if (f->addresses == addresses && f->ports == ports) return f;
        if (f->ports == 0) {
            if (flow_count >= SLOTS / 2) return NULL;
            flow_count++;
            f->addresses = addresses;
            f->ports = ports;
            return f;
        }
    }
}

/* MBAP (Modbus Messaging on TCP/IP 1.0b, 3.1.3): transaction, protocol 0, length, unit, function. */
static void modbus(struct flow *f, const uint8_t *data, const uint8_t *end, int request, uint64_t now) {
    while (end - data >= 8 && two(data + 2) == 0) {
        uint32_t length = two(data + 4);
        if (length < 2 || length > 254) return;
        uint16_t number = two(data);
        messages++;
        if (request) {
            f->asked[f->turn & (OPEN - 1)] = now;
            f->number[f->turn++ & (OPEN - 1)] = number;
        } else {
            for (int i = 0; i < OPEN; i++)
                if (f->asked[i] && f->number[i] == number) {
                    waited += now - f->asked[i];
                    f->asked[i] = 0;
                    pairs++;
                    break;
                }
        }
        data += 6 + length;
    }
}

static void packet(const uint8_t *p, uint32_t length, uint64_t now) {
    const uint8_t *end = p + length;
    packets++;
    if (length < 34) return;
    uint16_t type = two(p + 12);
    p += 14;
    while (type == 0x8100 || type == 0x88A8) {
        if (end - p < 24) return;
        type = two(p + 2);
        p += 4;
    }
    if (type != 0x0800 || p[0] >> 4 != 4) return;
    uint32_t header = (p[0] & 15) * 4, total = two(p + 2);
    if (header < 20 || total < header + 8 || total > end - p || (p[9] != 6 && p[9] != 17)) return;
    end = p + total;
    const uint8_t *t = p + header;
    uint64_t one = (uint64_t)four(p + 12) << 16 | two(t), other = (uint64_t)four(p + 16) << 16 | two(t + 2);
    int side = one > other;
    uint64_t low = side ? other : one, high = side ? one : other;
    struct flow *f = flow_of(low >> 16 << 32 | high >> 16, (low & 0xFFFF) << 32 | (high & 0xFFFF) << 16 | p[9]);
    if (!f) return;
    f->packets[side]++;
    f->bytes[side] += length;
    if (p[9] != 6) return;
    if (end - t < 20) return;
    const uint8_t *data = t + (t[12] >> 4) * 4;
    if (data >= end) return;
    if (two(t + 2) == 502) modbus(f, data, end, 1, now);
    else if (two(t) == 502) modbus(f, data, end, 0, now);
}

static size_t chunk(const uint8_t *p, size_t size) {
    size_t at = 0;
    while (size - at >= 16) {
        uint32_t head[4];
        memcpy(head, p + at, 16);
        if (head[2] > LARGEST) exit(1);
        if (size - at - 16 < head[2]) break;
        packet(p + at + 16, head[2], (uint64_t)head[0] * 1000000 + head[1]);
        at += 16 + head[2];
    }
    return at;
}

int main(int count, char **arguments) {
    static uint8_t buffer[CHUNK + LARGEST + 16];
    int file = count > 1 ? open(arguments[1], O_RDONLY) : -1;
    if (file < 0 || lseek(file, 24, SEEK_SET) < 0 || !(table = calloc(SLOTS, sizeof *table))) return 1;
    size_t held = 0;
    ssize_t got;
    while ((got = read(file, buffer + held, CHUNK)) > 0) {
        held += (size_t)got;
        size_t used = chunk(buffer, held);
        memmove(buffer, buffer + used, held -= used);
    }
    printf("%lu packets, %lu flows, %lu messages, %lu pairs, %lu us\n", packets, flow_count, messages, pairs, waited);
    return 0;
}
