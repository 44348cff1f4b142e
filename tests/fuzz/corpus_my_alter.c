/* First inputs for fuzz_my_alter: the ALTERs of the cases, and definitions as servers print them. */
#include "fuzz/cases.h"
#include "fuzz/corpus.h"
#include "fuzz/my_alter.h"

static void take_alter(const char *text)
{
    corpus_text(FUZZ_ALTER << 4, text);
}

int main(int argc, char **argv)
{
    corpus_begin(argc, argv);
    cases_each_alter(CASES_DIR "/mysql", take_alter);
    corpus_text(FUZZ_ALTER << 4 | 1, "DROP \"a b\", COMMENT 'a\\', DROP b, COMMENT '''");
    corpus_text(FUZZ_ALTER << 4 | 2, "COMMENT 'a\\', DROP b, COMMENT ''");
    static const char *const more[] = {
        "ADD CONSTRAINT `f` FOREIGN KEY IF NOT EXISTS i (`a`, b) REFERENCES `other`.`t` (c, d) ON DELETE SET NULL ON"
        " UPDATE CASCADE, DROP FOREIGN KEY g, DROP CONSTRAINT IF EXISTS h",
        "CHANGE COLUMN a `b``c` varchar(10) COMMENT 'x, DROP y', RENAME COLUMN d TO e,\n drop f # x\n, DROP CHECK k;",
        "ENGINE = InnoDB AUTO_INCREMENT=17 ROW_FORMAT=DYNAMIC, ALTER CHECK c NOT ENFORCED, PARTITION BY HASH (a)",
        "ADD COLUMN (x INT, y INT), CONVERT TO CHARACTER SET utf8mb4, ORDER BY x",
        "DROP PARTITION p",
        "CONVERT PARTITION p TO TABLE t",
        "RENAME TO x",
        "/*! DROP x */",
        "ALGORITHM=INPLACE",
    };
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
        take_alter(more[i]);
    static const char *const definitions[] = {
        "CREATE TABLE `t` (\n  `id` int NOT NULL AUTO_INCREMENT,\n  `a` varchar(10) COLLATE utf8mb4_bin DEFAULT "
        "'x,`y`',\n"
        "  `b` int DEFAULT (1 + (2)),\n  `c``d` enum('a','b''c') NOT NULL,\n  PRIMARY KEY (`id`),\n"
        "  UNIQUE KEY `u` (`b`,`c``d`),\n  UNIQUE KEY `p` (`a`(5)),\n  KEY `e` ((`b` + 1) DESC,`id`) USING BTREE "
        "COMMENT 'x (',\n"
        "  FULLTEXT KEY `f` (`a`),\n  CONSTRAINT `k` FOREIGN KEY (`b`) REFERENCES `s`.`o` (`id`) ON DELETE CASCADE,\n"
        "  CONSTRAINT `h` CHECK ((`b` > 0))\n) ENGINE=InnoDB AUTO_INCREMENT=12 DEFAULT CHARSET=utf8mb4 COMMENT='\\n) "
        "ENGINE=x "
        "AUTO_INCREMENT=3'\n/*!50100 PARTITION BY RANGE (`id`)\n(PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB) "
        "*/",
        "CREATE TABLE `t` (\n  `id` bigint(20) unsigned NOT NULL,\n  `a` text DEFAULT NULL CHECK (json_valid(`a`)),\n"
        "  `not_null` int(11) NOT NULL,\n  UNIQUE KEY `u` (`a`) USING HASH,\n  PRIMARY KEY (`not_null`,`id`)\n"
        ") ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci",
    };
    for (size_t i = 0; i < sizeof(definitions) / sizeof(definitions[0]); i++)
        corpus_text(FUZZ_DEFINITION << 4, definitions[i]);
    corpus_text(FUZZ_MEMBERS << 4, "set('a','b''c','\\\\d\\n\\r\\0','')");
    corpus_text(FUZZ_MEMBERS << 4 | 1, "enum('x')");
    corpus_text(FUZZ_MEMBERS_WRITTEN << 4, "a\nb'c\n\\d\n\n'\n''");
    return corpus_end();
}
