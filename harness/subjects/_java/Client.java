/** A client with a pool of its own. It asks once: a request that fails is told, never repeated. */
interface Client {
    /** Returns at once; the call is told when it is done. */
    void request(Call call);
}
