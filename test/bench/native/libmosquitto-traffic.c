/*
 * What run-traffic.mjs does, with libmosquitto: publishing or receiving, one process, one line of JSON.
 *
 *   libmosquitto-traffic <publish|receive> <qos> <count> <window> <size> <port>
 *
 * The window is refilled at each acknowledgement, from within the callback.
 */
#include <mosquitto.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { topics = 100 };

static struct mosquitto *client;
static int qos, window, size;
static uint8_t *payload;
static uint32_t sequence, last, done, received, expected;
static int connected, subscribed;

static void fail(const char *what, int code) {
  fprintf(stderr, "libmosquitto: %s: %s\n", what, code ? mosquitto_strerror(code) : "");
  exit(1);
}

static void topic_of(char *topic, uint32_t number) {
  snprintf(topic, 64, "bench/device/%u/reading", 100 + number % topics);
}

static void publish_one(void) {
  char topic[64];
  topic_of(topic, sequence);
  payload[0] = sequence >> 24;
  payload[1] = sequence >> 16;
  payload[2] = sequence >> 8;
  payload[3] = sequence;
  payload[size / 2] = sequence ^ 0xa5;
  payload[size - 1] = sequence ^ 0x5a;
  sequence += 1;
  int code = mosquitto_publish(client, NULL, topic, size, payload, qos, false);
  if (code) fail("publish", code);
}

static void on_connect(struct mosquitto *m, void *data, int code) {
  (void)m, (void)data;
  if (code) fail("connect refused", 0);
  connected = 1;
}

static void on_subscribe(struct mosquitto *m, void *data, int id, int n, const int *granted) {
  (void)m, (void)data, (void)id, (void)n, (void)granted;
  subscribed = 1;
}

static void on_publish(struct mosquitto *m, void *data, int id) {
  (void)m, (void)data, (void)id;
  done += 1;
  /* At QoS 0 this is called from within publish. */
  if (qos > 0 && sequence < last) publish_one();
}

static void on_message(struct mosquitto *m, void *data, const struct mosquitto_message *message) {
  (void)m, (void)data;
  const uint8_t *bytes = message->payload;
  char topic[64];
  topic_of(topic, received);
  uint32_t number = 0;
  if (message->payloadlen == size) {
    number = (uint32_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
  }
  if (message->payloadlen != size || number != received ||
      bytes[size / 2] != (uint8_t)(number ^ 0xa5) || bytes[size - 1] != (uint8_t)(number ^ 0x5a) ||
      strcmp(topic, message->topic) != 0) {
    fail("a message is wrong", 0);
  }
  received += 1;
}

static void loop(void) {
  int code = mosquitto_loop(client, 1000, 1);
  if (code) fail("loop", code);
}

static void publish_many(uint32_t wanted) {
  last = sequence + wanted;
  uint32_t all = done + wanted;
  if (qos == 0) {
    while (sequence < last) {
      if (sequence - done < (uint32_t)window) publish_one();
      else loop();
    }
  } else {
    for (int n = 0; n < window && sequence < last; n++) publish_one();
  }
  while (done < all) loop();
}

static void receive_many(uint32_t wanted) {
  char request[64];
  received = 0;
  expected = wanted;
  int length = snprintf(request, sizeof request, "%d %u %d", qos, wanted, window);
  int code = mosquitto_publish(client, NULL, "bench/start", length, request, 0, false);
  if (code) fail("start", code);
  while (received < expected) loop();
}

static double seconds(struct timeval time) { return time.tv_sec + time.tv_usec / 1e6; }

int main(int argc, char **argv) {
  if (argc != 7) return 64;
  int publishing = strcmp(argv[1], "publish") == 0;
  qos = atoi(argv[2]);
  uint32_t count = atoi(argv[3]);
  window = atoi(argv[4]);
  size = atoi(argv[5]);
  payload = calloc(1, size);
  mosquitto_lib_init();
  client = mosquitto_new(NULL, true, NULL);
  if (client == NULL || payload == NULL) fail("no memory", 0);
  mosquitto_connect_callback_set(client, on_connect);
  mosquitto_subscribe_callback_set(client, on_subscribe);
  mosquitto_publish_callback_set(client, on_publish);
  mosquitto_message_callback_set(client, on_message);
  /* Its default of 20 would hold it back where the others have the whole window. */
  mosquitto_max_inflight_messages_set(client, window);
  int code = mosquitto_connect(client, "127.0.0.1", atoi(argv[6]), 60);
  if (code) fail("connect", code);
  while (!connected) loop();
  if (!publishing) {
    code = mosquitto_subscribe(client, NULL, "bench/device/#", qos);
    if (code) fail("subscribe", code);
    while (!subscribed) loop();
  }
  done = 0;
  void (*work)(uint32_t) = publishing ? publish_many : receive_many;
  work((count + 2) / 3);

  struct rusage before, after;
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  getrusage(RUSAGE_SELF, &before);
  work(count);
  getrusage(RUSAGE_SELF, &after);
  clock_gettime(CLOCK_MONOTONIC, &end);
  double user = seconds(after.ru_utime) - seconds(before.ru_utime);
  double system = seconds(after.ru_stime) - seconds(before.ru_stime);
  double wall = (end.tv_sec - start.tv_sec) + (end.tv_nsec - start.tv_nsec) / 1e9;

  mosquitto_disconnect(client);
  while (mosquitto_loop(client, 100, 1) == MOSQ_ERR_SUCCESS) {
  }
  printf("{\"cpuUs\":%f,\"systemUs\":%f,\"wallUs\":%f,\"memoryBytes\":%ld,\"sent\":%u}\n",
         (user + system) * 1e6 / count, system * 1e6 / count, wall * 1e6 / count,
         after.ru_maxrss * 1024L, publishing ? sequence : 0);
  return 0;
}
