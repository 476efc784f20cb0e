/* Bare libmongoc loops: the baseline for export and import.
 *
 *   bare-loops drain URI DB FILE   writes the documents of every collection to FILE as raw BSON
 *   bare-loops fill URI DB FILE [FROM]   inserts them again with two threads; builds the indexes of database FROM
 *
 * For each collection, FILE contains "\n" NAME "\n", the documents, and an int32 0.
 */
#include <mongoc/mongoc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bare-loops: %s: %s\n", what, why);
    exit(1);
}

static int drain(mongoc_client_t *client, const char *name, const char *path)
{
    bson_error_t error;
    mongoc_database_t *database = mongoc_client_get_database(client, name);
    char **collections = mongoc_database_get_collection_names_with_opts(database, NULL, &error);
    FILE *out = fopen(path, "wb");
    static char buffer[1 << 20];
    int32_t end = 0;
    if (!collections) fail("listCollections", error.message);
    if (!out) fail(path, "cannot be written");
    setvbuf(out, buffer, _IOFBF, sizeof buffer);
    for (int i = 0; collections[i]; i++) {
        mongoc_collection_t *collection = mongoc_client_get_collection(client, name, collections[i]);
        bson_t empty = BSON_INITIALIZER;
        mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(collection, &empty, NULL, NULL);
        const bson_t *document;
        fprintf(out, "\n%s\n", collections[i]);
        while (mongoc_cursor_next(cursor, &document))
            fwrite(bson_get_data(document), 1, document->len, out);
        if (mongoc_cursor_error(cursor, &error)) fail("find", error.message);
        fwrite(&end, 4, 1, out);
        mongoc_cursor_destroy(cursor);
        mongoc_collection_destroy(collection);
    }
    if (fclose(out)) fail(path, "cannot be written");
    bson_strfreev(collections);
    mongoc_database_destroy(database);
    return 0;
}

enum { BATCH = 10000, BATCH_BYTES = 8 << 20 };

typedef struct {
    mongoc_client_pool_t *pool;
    const char *database;
    FILE *in;
    char name[256];
    int at_end;
    pthread_mutex_t lock;
} filling_t;

/* Reads at most a batch of the current collection's documents; returns their number, 0 at the end. */
static int read_batch(filling_t *fill, char *bytes, bson_t *documents, const bson_t **list)
{
    int count = 0, used = 0;
    pthread_mutex_lock(&fill->lock);
    while (!fill->at_end && count < BATCH && used < BATCH_BYTES) {
        int32_t length;
        if (fread(&length, 4, 1, fill->in) != 1 || length == 0) {
            fill->at_end = 1;
            break;
        }
        memcpy(bytes + used, &length, 4);
        if (fread(bytes + used + 4, 1, length - 4, fill->in) != (size_t) length - 4) fail("input", "cut off");
        bson_init_static(&documents[count], (uint8_t *) bytes + used, length);
        list[count] = &documents[count];
        used += length;
        count++;
    }
    pthread_mutex_unlock(&fill->lock);
    return count;
}

static void *fill_thread(void *argument)
{
    filling_t *fill = argument;
    mongoc_client_t *client = mongoc_client_pool_pop(fill->pool);
    mongoc_collection_t *collection = mongoc_client_get_collection(client, fill->database, fill->name);
    char *bytes = malloc(BATCH_BYTES + (17 << 20));
    bson_t *documents = aligned_alloc(128, sizeof(bson_t) * BATCH);
    const bson_t **list = malloc(sizeof(bson_t *) * BATCH);
    bson_t *options = BCON_NEW("ordered", BCON_BOOL(false), "writeConcern", "{", "w", "majority", "}");
    int count;
    while ((count = read_batch(fill, bytes, documents, list)) > 0) {
        bson_error_t error;
        if (!mongoc_collection_insert_many(collection, list, count, options, NULL, &error)) fail("insert", error.message);
    }
    bson_destroy(options);
    free(list);
    free(documents);
    free(bytes);
    mongoc_collection_destroy(collection);
    mongoc_client_pool_push(fill->pool, client);
    return NULL;
}

static bool is_of_set(mongoc_client_t *client)
{
    bson_t *hello = BCON_NEW("hello", BCON_INT32(1)), reply;
    bson_error_t error;
    if (!mongoc_client_command_simple(client, "admin", hello, NULL, &reply, &error)) fail("hello", error.message);
    bool result = bson_has_field(&reply, "setName");
    bson_destroy(&reply);
    bson_destroy(hello);
    return result;
}

static void build_indexes(mongoc_client_t *client, const char *from, const char *to, const char *name)
{
    mongoc_collection_t *source = mongoc_client_get_collection(client, from, name);
    mongoc_cursor_t *cursor = mongoc_collection_find_indexes_with_opts(source, NULL);
    const bson_t *index;
    bson_t command = BSON_INITIALIZER, list, reply;
    bson_error_t error;
    int count = 0;
    BSON_APPEND_UTF8(&command, "createIndexes", name);
    BSON_APPEND_ARRAY_BEGIN(&command, "indexes", &list);
    while (mongoc_cursor_next(cursor, &index)) {
        bson_iter_t iter;
        char key[16];
        if (bson_iter_init_find(&iter, index, "name") && !strcmp(bson_iter_utf8(&iter, NULL), "_id_")) continue;
        snprintf(key, sizeof key, "%d", count++);
        BSON_APPEND_DOCUMENT(&list, key, index);
    }
    bson_append_array_end(&command, &list);
    /* Like the program. By default, a replica set waits for every member. */
    if (is_of_set(client)) BSON_APPEND_UTF8(&command, "commitQuorum", "majority");
    if (count > 0 && !mongoc_client_write_command_with_opts(client, to, &command, NULL, &reply, &error))
        fail("createIndexes", error.message);
    bson_destroy(&command);
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(source);
}

/* The indexes are those of indexes_from, the database that was drained; none if it is NULL. */
static int fill(mongoc_client_pool_t *pool, const char *database, const char *path, const char *indexes_from)
{
    static filling_t fill = {.lock = PTHREAD_MUTEX_INITIALIZER};
    mongoc_client_t *client = mongoc_client_pool_pop(pool);
    static char buffer[1 << 20];
    char line[256];
    fill.pool = pool;
    fill.database = database;
    fill.in = fopen(path, "rb");
    if (!fill.in) fail(path, "cannot be read");
    setvbuf(fill.in, buffer, _IOFBF, sizeof buffer);
    while (fgetc(fill.in) == '\n' && fgets(line, sizeof line, fill.in)) {
        pthread_t threads[2];
        line[strcspn(line, "\n")] = 0;
        strcpy(fill.name, line);
        fill.at_end = 0;
        for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, fill_thread, &fill);
        for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
        if (indexes_from) build_indexes(client, indexes_from, database, fill.name);
    }
    fclose(fill.in);
    mongoc_client_pool_push(pool, client);
    return 0;
}

int main(int argc, char **argv)
{
    bson_error_t error;
    mongoc_uri_t *uri;
    mongoc_client_pool_t *pool;
    mongoc_client_t *client;
    int status;
    if (argc < 5) fail("usage", "bare-loops drain|fill URI DB FILE [DB-WITH-THE-INDEXES]");
    mongoc_init();
    uri = mongoc_uri_new_with_error(argv[2], &error);
    if (!uri) fail("URI", error.message);
    pool = mongoc_client_pool_new(uri);
    if (!strcmp(argv[1], "drain")) {
        client = mongoc_client_pool_pop(pool);
        status = drain(client, argv[3], argv[4]);
        mongoc_client_pool_push(pool, client);
    } else {
        status = fill(pool, argv[3], argv[4], argc > 5 ? argv[5] : NULL);
    }
    mongoc_uri_destroy(uri);
    /* No cleanup: joining the threads that monitor the servers takes up to half a second, which measures nothing. */
    return status;
}
