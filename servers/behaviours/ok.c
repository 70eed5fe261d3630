#include "behaviour.h"

BEHAVIOUR(ok) = {
    .name = "ok",
    .summary = "a correct keep-alive server: answers each request and never closes first",
};
