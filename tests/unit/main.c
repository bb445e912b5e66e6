/* The main of every program of unit tests: it runs the program's suite. CK_VERBOSITY=verbose names each promise. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/suite.h"

#include <stdlib.h>

int main(void)
{
    SRunner *runner = srunner_create(unit_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
