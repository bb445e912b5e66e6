# Warnings and hardening, each probed, because gcc 12 and clang 14 know different ones.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

set(warnings
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wvla -Wformat=2 -Wstrict-prototypes
  -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wswitch-enum
  -Wnull-dereference -Wdouble-promotion -Wimplicit-fallthrough -Wredundant-decls
  # gcc
  -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wformat-overflow=2 -Wformat-truncation=2
  -Wjump-misses-init -Wrestrict
  # clang
  -Wcomma -Wconditional-uninitialized -Wassign-enum -Wshorten-64-to-32 -Wunreachable-code-aggressive
  # statement expressions (TAKE) and __int128 are our GNU extensions
  -Wno-gnu-statement-expression -Wno-gnu-zero-variadic-macro-arguments)

set(hardening
  -fno-common -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
  -fno-delete-null-pointer-checks -ftrivial-auto-var-init=zero)

function(sluice_add_flags)
  foreach(flag ${ARGN})
    string(MAKE_C_IDENTIFIER "has${flag}" known)
    check_c_compiler_flag(${flag} ${known})
    if(${known})
      add_compile_options(${flag})
    endif()
  endforeach()
endfunction()

sluice_add_flags(${warnings} ${hardening})
if(SLUICE_WERROR)
  add_compile_options(-Werror)
endif()

if(SLUICE_SANITIZE)
  # No _FORTIFY_SOURCE here: it hides accesses from AddressSanitizer. -O1 keeps the tests quick.
  # gcc's -Wformat-truncation, -Wnull-dereference and -Wrestrict err on sanitized code.
  add_compile_options(-O1 -g -fsanitize=${SLUICE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  sluice_add_flags(-Wno-null-dereference -Wno-format-truncation -Wno-restrict -Wno-maybe-uninitialized)
  add_link_options(-fsanitize=${SLUICE_SANITIZE})
else()
  # -fno-strict-overflow defines signed overflow and so blinds UndefinedBehaviorSanitizer: only here.
  add_compile_options(-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  sluice_add_flags(-fno-strict-overflow)
endif()
if(SLUICE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

add_compile_options(-fPIE)
add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
