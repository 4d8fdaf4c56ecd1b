/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_LIST_H
#define CORBEL_LIST_H

#include <corbel/compiler.h>
#include <corbel/types.h>

/* Circular doubly linked list. A node that is not on a list points to itself. */
struct list_head {
    struct list_head *next, *prev;
};

static inline void list_init(struct list_head *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_empty(const struct list_head *head)
{
    return head->next == head;
}

/* Insert node before pos: at the tail when pos is the head of a list. */
static inline void list_insert_before(struct list_head *pos, struct list_head *node)
{
    node->prev = pos->prev;
    node->next = pos;
    pos->prev->next = node;
    pos->prev = node;
}

static inline void list_add_tail(struct list_head *head, struct list_head *node)
{
    list_insert_before(head, node);
}

static inline void list_add_head(struct list_head *head, struct list_head *node)
{
    list_insert_before(head->next, node);
}

/* Take node off its list and leave it pointing to itself; harmless when it is on none. */
static inline void list_del(struct list_head *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)

#define list_for_each(pos, head) for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)

/* As list_for_each, but pos may be taken off the list in the body. */
#define list_for_each_safe(pos, tmp, head)                           \
    for ((pos) = (head)->next, (tmp) = (pos)->next; (pos) != (head); \
         (pos) = (tmp), (tmp) = (pos)->next)

#endif
