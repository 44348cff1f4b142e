/* What is shown to others of what goes on: the text for Prometheus by its format, JSON by a parser of JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/mem.h"
#include "status/status.h"

static struct status migration(void)
{
    struct status s = {.engine = "PostgreSQL",
                       .table = "shop.\"it\\em\"\n2",
                       .id = "0badcafe",
                       .phase = "copy",
                       .note = "waiting for \"somebody\"",
                       .ready = true,
                       .reads_log = true,
                       .rows_copied = 12345678901234567,
                       .rows_estimated = 20,
                       .changes_applied = 7,
                       .copy_rate = 1234.56,
                       .spool_disk_bytes = 4096,
                       .lag_ms = 1500,
                       .eta_s = -1,
                       .writers_held_ms = -1,
                       .cutover_tries = 2,
                       .audit.lag_ms = -1};
    return s;
}

static struct status stream(void)
{
    struct status s = {.lag_ms = -1, .eta_s = -1, .writers_held_ms = -1};
    snprintf(s.table, sizeof(s.table), "a,b");
    s.audit = (struct status_audit){.there = true,
                                    .connected = true,
                                    .error = "1/1 brokers are down",
                                    .messages = 1000,
                                    .snapshot_rows = 700,
                                    .counts = {.sent = 90, .acknowledged = 80, .bytes = 8000, .errors = 3},
                                    .queued = 10,
                                    .lag_ms = 250,
                                    .position = "0/16B3748"};
    return s;
}

static struct status published(const char *command, const struct status *s)
{
    struct status out;
    int64_t age_ms;
    status_begin(command);
    status_publish(s);
    status_read(&out, &age_ms);
    assert_in_range(age_ms, 0, 10000);
    return out;
}

static void what_is_published_is_read(void **state)
{
    (void)state;
    struct status s = migration(), got = published("migrate", &s);
    assert_string_equal(got.command, "migrate");
    assert_string_equal(got.id, "0badcafe");
    assert_int_equal(got.rows_copied, 12345678901234567);
    assert_in_range(clock_wall_us() - got.began_us, 0, 60000000);
    struct status later = stream();
    int64_t age_ms;
    status_publish(&later);
    struct status again;
    status_read(&again, &age_ms);
    assert_string_equal(again.command, "migrate");
    assert_int_equal(again.began_us, got.began_us);
    assert_int_equal(again.audit.counts.sent, 90);
}

/* --- Prometheus --- */

struct families {
    char name[64][80];
    int count;
};

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Labels from '{' to behind '}': name="value" with \\, \" and \n escaped, by commas. */
static const char *labels(const char *p)
{
    assert_int_equal(*p, '{');
    do {
        p++;
        assert_true(is_name(*p));
        p += strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789_");
        assert_true(p[0] == '=' && p[1] == '"');
        for (p += 2; *p != '"'; p++) {
            assert_true(*p && *p != '\n');
            if (*p == '\\') {
                p++;
                assert_true(*p == '\\' || *p == '"' || *p == 'n');
            }
        }
        p++;
    } while (*p == ',');
    assert_int_equal(*p, '}');
    return p + 1;
}

/* Each family once: HELP, TYPE, samples of that name. */
static void check(const char *text, struct families *f)
{
    const char *line = text;
    f->count = 0;
    while (*line) {
        char name[80], help[80], type[20];
        int used = 0;
        assert_int_equal(
            sscanf(line, "# HELP %79[a-z_0-9] %*[^\n]\n# TYPE %79[a-z_0-9] %19[a-z]\n%n", help, name, type, &used), 3);
        assert_true(used > 0);
        assert_string_equal(help, name);
        assert_int_equal(strncmp(name, "seachange_", 10), 0);
        bool counter = strcmp(type, "counter") == 0,
             total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
        assert_true(counter || strcmp(type, "gauge") == 0);
        assert_true(counter == total);
        for (int i = 0; i < f->count; i++)
            assert_string_not_equal(f->name[i], name);
        assert_true(f->count < 64);
        snprintf(f->name[f->count++], 80, "%s", name);
        int samples = 0;
        for (line += used; strncmp(line, name, strlen(name)) == 0; samples++) {
            const char *p = line + strlen(name);
            if (*p == '{')
                p = labels(p);
            assert_int_equal(*p, ' ');
            char *end;
            strtod(p + 1, &end);
            assert_true(end > p + 1 && *end == '\n');
            line = end + 1;
        }
        assert_true(samples > 0);
    }
}

static bool has(const struct families *f, const char *name)
{
    for (int i = 0; i < f->count; i++)
        if (strcmp(f->name[i], name) == 0)
            return true;
    return false;
}

static void prometheus_can_read_it(void **state)
{
    (void)state;
    struct families f;
    struct buf text = {0};
    struct status s = migration();
    s = published("migrate", &s);
    status_metrics(&text, &s, 1234, "1.2.3");
    check(buf_cstr(&text), &f);
    const char *t = buf_cstr(&text);
    assert_non_null(strstr(t, "\nseachange_info{version=\"1.2.3\",command=\"migrate\",engine=\"PostgreSQL\",table="
                              "\"shop.\\\"it\\\\em\\\"\\n2\",id=\"0badcafe\"} 1\n"));
    assert_non_null(strstr(t, "\nseachange_phase{phase=\"copy\"} 1\n"));
    assert_non_null(strstr(t, "\nseachange_rows_copied_total 12345678901234567\n"));
    assert_non_null(strstr(t, "\nseachange_apply_lag_seconds 1.5\n"));
    assert_non_null(strstr(t, "\nseachange_spool_bytes{place=\"disk\"} 4096\n"));
    assert_non_null(strstr(t, "\nseachange_status_age_seconds 1.234\n"));
    /* What is not known is not there. */
    assert_false(has(&f, "seachange_eta_seconds"));
    assert_false(has(&f, "seachange_audit_sent_total"));
    buf_clear(&text);
    s = stream();
    s = published("audit", &s);
    status_metrics(&text, &s, 0, "1.2.3");
    check(buf_cstr(&text), &f);
    t = buf_cstr(&text);
    assert_non_null(strstr(t, "\nseachange_audit_delivered_total 80\n"));
    assert_non_null(strstr(t, "\nseachange_audit_unacknowledged 10\n"));
    assert_non_null(strstr(t, "\nseachange_audit_snapshot_rows 700\n"));
    assert_non_null(strstr(t, "\nseachange_audit_lag_seconds 0.25\n"));
    assert_false(has(&f, "seachange_rows_copied_total"));
    buf_fini(&text);
}

static void a_label_is_utf_8_whatever_a_name_is(void **state)
{
    (void)state;
    struct families f;
    struct buf text = {0};
    struct status s = migration();
    snprintf(s.table, sizeof(s.table), "caf\xe9 \xc3\xa9 \xc3");
    s = published("migrate", &s);
    status_metrics(&text, &s, 0, "1");
    check(buf_cstr(&text), &f);
    assert_non_null(strstr(buf_cstr(&text), "table=\"caf\xef\xbf\xbd \xc3\xa9 \xef\xbf\xbd\""));
    buf_fini(&text);
}

static void every_metric_is_documented(void **state)
{
    (void)state;
    struct families f;
    struct buf text = {0}, page = {0};
    struct status s = migration();
    s.eta_s = 10;
    s.writers_held_ms = 100;
    s.audit = stream().audit;
    s = published("migrate", &s);
    status_metrics(&text, &s, 0, "1");
    check(buf_cstr(&text), &f);
    FILE *file = fopen(SOURCE_DIR "/docs/monitoring.md", "r");
    assert_non_null(file);
    char line[1000];
    while (fgets(line, sizeof(line), file))
        buf_str(&page, line);
    fclose(file);
    for (int i = 0; i < f.count; i++) {
        char quoted[100];
        snprintf(quoted, sizeof(quoted), "`%s`", f.name[i]);
        if (!strstr(buf_cstr(&page), quoted))
            fail_msg("%s is not in docs/monitoring.md", quoted);
    }
    int rows = 0; /* nor does it tell of others */
    for (const char *p = buf_cstr(&page); (p = strstr(p, "\n| `seachange_")); p++)
        rows++;
    assert_int_equal(rows, f.count);
    buf_fini(&text);
    buf_fini(&page);
}

/* --- JSON --- */

static void it_is_one_json_object(void **state)
{
    (void)state;
    struct buf text = {0};
    struct status s = migration();
    s.audit = stream().audit;
    s = published("migrate", &s);
    status_json(&text, &s, 5, "1.2.3");
    json_error_t error;
    json_t *j = json_loads(buf_cstr(&text), JSON_REJECT_DUPLICATES, &error);
    if (!j)
        fail_msg("%s", error.text);
    assert_string_equal(json_string_value(json_object_get(j, "table")), "shop.\"it\\em\"\n2");
    assert_string_equal(json_string_value(json_object_get(j, "note")), "waiting for \"somebody\"");
    assert_int_equal(json_integer_value(json_object_get(j, "rows_copied")), 12345678901234567);
    assert_int_equal(json_integer_value(json_object_get(j, "lag_ms")), 1500);
    assert_true(json_is_null(json_object_get(j, "eta_s")));
    assert_true(json_is_true(json_object_get(j, "ready")));
    json_t *audit = json_object_get(j, "audit");
    assert_int_equal(json_integer_value(json_object_get(audit, "delivered")), 80);
    assert_int_equal(json_integer_value(json_object_get(audit, "snapshot_rows")), 700);
    assert_string_equal(json_string_value(json_object_get(audit, "position")), "0/16B3748");
    json_decref(j);
    buf_clear(&text);
    s = (struct status){.lag_ms = -1, .eta_s = -1, .writers_held_ms = -1, .copy_rate = 0.0 / 0.0};
    s = published("audit", &s);
    status_json(&text, &s, 0, "1");
    j = json_loads(buf_cstr(&text), JSON_REJECT_DUPLICATES, &error);
    assert_non_null(j);
    assert_null(json_object_get(j, "audit"));
    assert_null(json_object_get(j, "rows_copied"));
    json_decref(j);
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_published_is_read),
        cmocka_unit_test(prometheus_can_read_it),
        cmocka_unit_test(a_label_is_utf_8_whatever_a_name_is),
        cmocka_unit_test(every_metric_is_documented),
        cmocka_unit_test(it_is_one_json_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
