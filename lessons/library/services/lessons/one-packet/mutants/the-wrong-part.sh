#!/bin/sh
# about: the scheduler is stopped instead, as if it led visits to pods; a Service is taken for a machine
# fails: where: No machine has the Service's address
# fails: still: The kernel keeps the rules
# fails: stale: Rules that nobody keeps
# answer: where service
drydock component stop scheduler
