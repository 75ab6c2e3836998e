/* SPDX-License-Identifier: Apache-2.0
 *
 * broadway-session: the session bus, broadwayd and the panel, from start to end.
 *
 *   broadway-session
 *
 * What crashes is started again, a bounded number of times; when that is used up the session ends
 * with exit code 1, so that whoever runs the container learns of it. SIGTERM or SIGINT end the
 * session: the panel first, which ends the programs it started, then the rest; exit code 0.
 *
 * It needs a folder to write in (a tmpfs will do), and nothing else: no name for its uid, no
 * capability, no writable root.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  restarts_max = 5,           /* of one service ... */
  restarts_window_s = 60,     /* ... within this time */
  ready_timeout_ms = 10000,
  ready_poll_ms = 5,
  panel_grace_ms = 900,
  rest_grace_ms = 500,
};

struct service {
  const char *name;
  const char *const *argv;
  /* Its socket, a path without spaces: the service is ready when it listens there. NULL: ready when started. */
  const char *socket;
  pid_t pid; /* 0 when it does not run */
  time_t starts[restarts_max + 1]; /* a ring of the last ones */
  unsigned started;
};

static char runtime_dir[PATH_MAX - 64];
static char bus_socket[PATH_MAX];
static char bus_address[PATH_MAX + 16];
static char broadway_socket[PATH_MAX];

enum { bus, broadway, panel, service_count };
static struct service services[service_count];

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("session: ", stdout);
  vprintf(format, arguments);
  fputc('\n', stdout);
  fflush(stdout);
  va_end(arguments);
}

static long now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000L + time.tv_nsec / 1000000L;
}

/* --- Folders and environment ------------------------------------------------------------------ */

/* Makes a folder of our own; true when it is ours and can be written to. */
static bool usable_folder(const char *path) {
  struct stat status;
  if (mkdir(path, 0700) != 0 && errno != EEXIST) return false;
  return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == getuid() &&
         access(path, W_OK | X_OK) == 0;
}

/* For sockets: as told, or below the first folder that can be written to. */
static bool find_runtime_dir(void) {
  static const char *const parents[] = {"/run/user", "/run", "/tmp", "/dev/shm"};
  const char *told = getenv("XDG_RUNTIME_DIR");
  if (told != NULL && *told == '/' && strlen(told) < sizeof runtime_dir && usable_folder(told)) {
    strcpy(runtime_dir, told);
    return true;
  }
  for (size_t i = 0; i < sizeof parents / sizeof *parents; i++) {
    snprintf(runtime_dir, sizeof runtime_dir, "%s/broadway-%u", parents[i], (unsigned)getuid());
    if (usable_folder(runtime_dir)) return true;
  }
  return false;
}

/* Puts our own folder before those that are searched anyway. */
static void search_first(const char *variable, const char *folder, const char *otherwise) {
  const char *told = getenv(variable);
  char value[PATH_MAX];
  snprintf(value, sizeof value, "%s:%s", folder, told != NULL && *told != '\0' ? told : otherwise);
  setenv(variable, value, 1);
}

static bool set_up_environment(void) {
  if (!find_runtime_dir()) {
    say("no folder to write in: give the container a tmpfs on /run or /tmp");
    return false;
  }
  setenv("XDG_RUNTIME_DIR", runtime_dir, 1);

  /* A home that cannot be written to is as good as none: programs keep settings there. */
  const char *home = getenv("HOME");
  if (home == NULL || *home != '/' || strcmp(home, "/") == 0 || access(home, W_OK | X_OK) != 0) {
    char other[PATH_MAX];
    snprintf(other, sizeof other, "%s/home", runtime_dir);
    if (!usable_folder(other)) {
      say("cannot make %s: %s", other, strerror(errno));
      return false;
    }
    if (home != NULL) say("%s cannot be written to; the home folder is %s", home, other);
    setenv("HOME", other, 1);
  }
  if (chdir(getenv("HOME")) != 0) say("cannot go to %s: %s", getenv("HOME"), strerror(errno));

  snprintf(bus_socket, sizeof bus_socket, "%s/bus", runtime_dir);
  snprintf(bus_address, sizeof bus_address, "unix:path=%s", bus_socket);
  /* GDK's own name for display :0. */
  snprintf(broadway_socket, sizeof broadway_socket, "%s/broadway1.socket", runtime_dir);
  setenv("DBUS_SESSION_BUS_ADDRESS", bus_address, 1);
  setenv("GDK_BACKEND", "broadway", 1);
  setenv("BROADWAY_DISPLAY", ":0", 1);
  setenv("GTK_MODULES", "broadway-windows", 1);
  search_first("XDG_DATA_DIRS", "/usr/share/broadway", "/usr/local/share:/usr/share");
  search_first("XDG_CONFIG_DIRS", "/etc/xdg/broadway", "/etc/xdg");
  /* There is no accessibility bus to look for; so it is said to GTK 3 and GTK 4. */
  setenv("NO_AT_BRIDGE", "1", 0);
  setenv("GTK_A11Y", "none", 0);
  setenv("XDG_SESSION_TYPE", "broadway", 1);
  setenv("LANG", "C.UTF-8", 0);
  return true;
}

/* --- Services --------------------------------------------------------------------------------- */

static const char *program(const char *variable, const char *otherwise) {
  const char *told = getenv(variable);
  return told != NULL && *told != '\0' ? told : otherwise;
}

static void describe_services(void) {
  static const char *bus_argv[] = {"dbus-daemon", "--session", "--nofork", "--nopidfile",
                                   "--nosyslog", NULL, NULL};
  static char address_argument[sizeof bus_address + 16];
  static const char *broadway_argv[] = {NULL, ":0", NULL};
  static const char *panel_argv[] = {NULL, NULL};
  snprintf(address_argument, sizeof address_argument, "--address=%s", bus_address);
  bus_argv[5] = address_argument;
  broadway_argv[0] = program("BROADWAY_DAEMON", "broadwayd");
  panel_argv[0] = program("BROADWAY_PANEL", "broadway-panel");
  services[bus] = (struct service){.name = "session bus", .argv = bus_argv, .socket = bus_socket};
  services[broadway] = (struct service){
      .name = "broadwayd", .argv = broadway_argv, .socket = broadway_socket};
  services[panel] = (struct service){.name = "panel", .argv = panel_argv};
}

/* Whether somebody listens at a socket. The kernel is asked: broadwayd takes a connection that is
 * closed again for a client that died, and says so. */
static bool is_ready(const struct service *service) {
  if (service->socket == NULL) return true;
  FILE *sockets = fopen("/proc/net/unix", "re");
  if (sockets == NULL) return false;
  char line[PATH_MAX + 128];
  bool ready = false;
  while (!ready && fgets(line, sizeof line, sockets) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    /* Address, references, protocol, flags (00010000: it accepts connections), ..., name. */
    unsigned flags = 0;
    const char *name = strrchr(line, ' ');
    if (name == NULL || sscanf(line, "%*s %*s %*s %x", &flags) != 1) continue;
    name += name[1] == '@' ? 2 : 1; /* in the abstract name space */
    ready = (flags & 0x10000) != 0 && strcmp(name, service->socket) == 0;
  }
  fclose(sockets);
  return ready;
}

/* False when this service has been started too often lately. */
static bool may_start(struct service *service, time_t now) {
  if (service->started > restarts_max) {
    time_t oldest = service->starts[service->started % (restarts_max + 1)];
    if (now - oldest < restarts_window_s) return false;
  }
  service->starts[service->started++ % (restarts_max + 1)] = now;
  return true;
}

static bool start_service(struct service *service) {
  if (!may_start(service, (time_t)(now_ms() / 1000))) {
    say("%s has crashed %d times within %d seconds; giving up", service->name, restarts_max + 1,
        restarts_window_s);
    return false;
  }
  /* What a killed bus left behind. */
  if (service->socket != NULL) unlink(service->socket);
  pid_t parent = getpid();
  pid_t pid = fork();
  if (pid < 0) {
    say("cannot start %s: %s", service->name, strerror(errno));
    return false;
  }
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* No service outlives the session, however that ends. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(1);
    execvp(service->argv[0], (char *const *)service->argv);
    fprintf(stderr, "session: cannot run %s: %s\n", service->argv[0], strerror(errno));
    _exit(127);
  }
  service->pid = pid;
  return true;
}

/* Reaps every child that has ended. */
static void reap(void) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    for (int i = 0; i < service_count; i++) {
      struct service *service = &services[i];
      if (service->pid != pid) continue;
      service->pid = 0;
      if (WIFSIGNALED(status))
        say("%s was killed by signal %d (%s)", service->name, WTERMSIG(status),
            strsignal(WTERMSIG(status)));
      else
        say("%s ended with code %d", service->name, WEXITSTATUS(status));
    }
  }
}

/* --- The session ------------------------------------------------------------------------------ */

/* The next of our signals, or 0 after the time. */
static int next_signal(const sigset_t *signals, long timeout_ms) {
  struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
  int caught = timeout_ms < 0 ? sigwaitinfo(signals, NULL) : sigtimedwait(signals, NULL, &timeout);
  return caught < 0 ? 0 : caught;
}

static bool is_end(int caught) {
  return caught == SIGTERM || caught == SIGINT || caught == SIGHUP;
}

enum outcome { all_run, told_to_end, failed };

/* Starts whatever does not run, each when what stands before it is ready. */
static enum outcome start_missing(const sigset_t *signals) {
  for (int i = 0; i < service_count; i++) {
    /* The bus and broadwayd know nothing of each other and start side by side. */
    if (i == panel) {
      long deadline = now_ms() + ready_timeout_ms;
      while (!is_ready(&services[bus]) || !is_ready(&services[broadway])) {
        int caught = next_signal(signals, ready_poll_ms);
        if (is_end(caught)) return told_to_end;
        reap();
        if (services[bus].pid == 0 && !start_service(&services[bus])) return failed;
        if (services[broadway].pid == 0 && !start_service(&services[broadway])) return failed;
        if (now_ms() > deadline) {
          say("%s is not ready after %d seconds",
              is_ready(&services[bus]) ? services[broadway].name : services[bus].name,
              ready_timeout_ms / 1000);
          return failed;
        }
      }
    }
    if (services[i].pid == 0 && !start_service(&services[i])) return failed;
  }
  return all_run;
}

/* Ends services first to last, and returns when they are gone. */
static void end_services(const sigset_t *signals, int first, int last, long grace_ms) {
  for (int i = first; i <= last; i++)
    if (services[i].pid != 0) kill(services[i].pid, SIGTERM);
  long deadline = now_ms() + grace_ms;
  bool killed = false;
  for (;;) {
    reap();
    bool any = false;
    for (int i = first; i <= last; i++) any = any || services[i].pid != 0;
    if (!any) return;
    long left = deadline - now_ms();
    if (left <= 0 && !killed) {
      killed = true;
      for (int i = first; i <= last; i++)
        if (services[i].pid != 0) kill(services[i].pid, SIGKILL);
    }
    next_signal(signals, left > 0 ? left : 100);
  }
}

static enum outcome keep_running(const sigset_t *signals) {
  for (;;) {
    enum outcome outcome = start_missing(signals);
    if (outcome != all_run) return outcome;
    if (is_end(next_signal(signals, -1))) return told_to_end;
    reap();
  }
}

int main(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  signal(SIGPIPE, SIG_IGN);

  if (!set_up_environment()) return 1;
  describe_services();
  say("uid %u, home %s, sockets in %s, port 8080", (unsigned)getuid(), getenv("HOME"),
      runtime_dir);

  enum outcome outcome = keep_running(&signals);
  say(outcome == told_to_end ? "told to end" : "ending");
  end_services(&signals, panel, panel, panel_grace_ms);
  end_services(&signals, bus, broadway, rest_grace_ms);
  return outcome == told_to_end ? 0 : 1;
}
