/*
 * Shows programs another clock and another order of files than the machine's own: loaded before
 * the C library (LD_PRELOAD, ld.so(8)) by a build that must not depend on either. Times of files
 * stay true, so what compares them with each other goes on working.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

/* 400 days, 11 hours, 13 minutes and 17 seconds: every part of a date is another. Ahead and not
 * back, so that no file is newer than the clock. */
static const time_t ahead_seconds = 400 * 86400 + 11 * 3600 + 13 * 60 + 17;

int clock_gettime(clockid_t clock, struct timespec *now) {
  int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
  int status = real(clock, now);
  if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    now->tv_sec += ahead_seconds;
  return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  int (*real)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
  int status = real(now, zone);
  if (status == 0) now->tv_sec += ahead_seconds;
  return status;
}

time_t time(time_t *result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != NULL) *result = now.tv_sec;
  return now.tv_sec;
}

int timespec_get(struct timespec *now, int base) {
  if (base != TIME_UTC) return 0;
  return clock_gettime(CLOCK_REALTIME, now) == 0 ? base : 0;
}

/* An open folder: its entries as the kernel lists them, and how many of them are left to give out. */
struct listing {
  DIR *folder;
  struct dirent **entries;
  size_t count, left;
  struct listing *next;
};

static struct listing *listings;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void forget(DIR *folder) {
  pthread_mutex_lock(&lock);
  for (struct listing **at = &listings; *at != NULL; at = &(*at)->next) {
    struct listing *found = *at;
    if (found->folder != folder) continue;
    *at = found->next;
    for (size_t index = 0; index < found->count; index++) free(found->entries[index]);
    free(found->entries);
    free(found);
    break;
  }
  pthread_mutex_unlock(&lock);
}

/* Reads a folder to its end; readdir gives the last entry first. */
static struct listing *list(DIR *folder) {
  struct dirent *(*real)(DIR *) = dlsym(RTLD_NEXT, "readdir64");
  struct listing *made = calloc(1, sizeof *made);
  if (made == NULL) abort();
  made->folder = folder;
  for (struct dirent *entry = real(folder); entry != NULL; entry = real(folder)) {
    struct dirent **entries = realloc(made->entries, (made->count + 1) * sizeof *entries);
    struct dirent *copy = malloc(entry->d_reclen);
    if (entries == NULL || copy == NULL) abort();
    memcpy(copy, entry, entry->d_reclen);
    entries[made->count++] = copy;
    made->entries = entries;
  }
  made->left = made->count;
  made->next = listings;
  listings = made;
  return made;
}

struct dirent *readdir(DIR *folder) {
  pthread_mutex_lock(&lock);
  struct listing *found = listings;
  while (found != NULL && found->folder != folder) found = found->next;
  if (found == NULL) found = list(folder);
  struct dirent *entry = found->left > 0 ? found->entries[--found->left] : NULL;
  pthread_mutex_unlock(&lock);
  return entry;
}

struct dirent64 *readdir64(DIR *folder) __attribute__((alias("readdir")));

void rewinddir(DIR *folder) {
  void (*real)(DIR *) = dlsym(RTLD_NEXT, "rewinddir");
  forget(folder);
  real(folder);
}

int closedir(DIR *folder) {
  int (*real)(DIR *) = dlsym(RTLD_NEXT, "closedir");
  forget(folder);
  return real(folder);
}
