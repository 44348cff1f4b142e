# What must not be in the tree: functions that cannot be used safely, dependencies that point the wrong way, engines decided outside their folder, paths of a machine.
bad=0
complain() { echo "$1"; bad=1; }
found=$(git grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets)\(' -- '*.c' '*.h'; git grep -nE '\b(atoi|atol|strtok)\(' -- '*.c' '*.h' ':!tests/')
[ -z "$found" ] || complain "$found"
found=$(git grep -nE '#include "(applier|cli|coordinator|src)/' -- 'cdc/*' 'src/base/*')
[ -z "$found" ] || complain "includes that point the wrong way: $found"
found=$(git grep -nE '#include "(cli|coordinator|src)/' -- 'applier/*')
[ -z "$found" ] || complain "includes that point the wrong way: $found"
found=$(git grep -nEi 'if *\(.*(engine|dialect|is_mysql|is_postgres|is_pg)[a-z_]* *(==|!=)' -- '*.c' '*.h' | grep -vE '(postgres|mysql|tests)/')
[ -z "$found" ] || complain "engine decided outside its folder: $found"
found=$(git grep -nIE '/([w]ork|[h]ome/[a-z]+)/' -- . | grep -v '^tests/unit/data/')
[ -z "$found" ] || complain "paths of a machine: $found"
found=$(sed -n 's/^FAILPOINT_[A-Z]*(\([a-z_0-9]*\),.*/\1/p' src/base/failpoints.def | while read -r name; do
    git grep -qE "\bFAILPOINT(_PASS)?\((.*, )?$name\b" -- 'src/*.c' 'cdc/*.c' 'applier/*.c' || echo "$name"
done)
[ -z "$found" ] || complain "failpoints that no code has: $found"
found=$(sed '/^#/d; s/ //g' tests/bugs/bugs | while IFS='|' read -r plant servers part test verification; do
    grep -q "^PLANT($plant, " src/base/plants.def || echo "$plant"
    case $part:$test in
    torture:*) grep -qF " $test" tests/torture/run.sh || grep -qF "\"$test " tests/torture/run.sh || echo "$test" ;;
    faults:*) git grep -q "^$test()" -- tests/faults || echo "$test" ;;
    cases:*) [ -n "$(git ls-files "tests/cases/*/$test/*" "tests/cases/$test/*")" ] || echo "$test" ;;
    *'*'*) ;;
    *) git grep -qw "${test#*:}" -- 'tests/*.c' || echo "$test" ;;
    esac
done)
[ -z "$found" ] || complain "tests/bugs/bugs names what is not there: $found"
found=$(sed -n 's/^PLANT(\([A-Z_0-9]*\),.*/\1/p' src/base/plants.def | while read -r plant; do grep -q "^$plant " tests/bugs/bugs || echo "$plant"; done)
[ -z "$found" ] || complain "planted bugs without a test in tests/bugs/bugs: $found"
exit $bad
