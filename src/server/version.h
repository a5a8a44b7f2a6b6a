/* What the server calls itself. */
#ifndef SKUA_SERVER_VERSION_H
#define SKUA_SERVER_VERSION_H

#define SKUA_VERSION  "0.1.0"
#define REDIS_VERSION "7.4.2" /* the Redis whose behaviour it has, as INFO and HELLO tell clients */

#define SKUA_BUILD_ID "skua-" SKUA_VERSION
#define SKUA_COMPILER __VERSION__

#endif
