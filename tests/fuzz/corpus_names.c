/* First inputs for fuzz_names. */
#include "fuzz/corpus.h"

int main(int argc, char **argv)
{
    corpus_begin(argc, argv);
    static const char *const names[] = {
        "orders",
        "shop.orders",
        " `shop`.`Order ``Lines` ",
        "shop.\"Order \"\"Lines\"",
        "a'b\\c\"d`e",
        "stra\xc3\x9f\x65.\xf0\x9f\x92\xa9",
        "\xff\xfe\xed\xa0\x80\x01\x7f\n",
        "a_name_of_sixty_four_characters_which_is_as_long_as_names_can_be_",
        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3"
        "\xa4\xc3\xa4"
        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3"
        "\xa4\xc3\xa4"
        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3"
        "\xa4\xc3\xa4",
    };
    for (size_t i = 0; i < 2 * sizeof(names) / sizeof(names[0]); i++)
        corpus_text((uint8_t)(i % 2), names[i / 2]);
    return corpus_end();
}
