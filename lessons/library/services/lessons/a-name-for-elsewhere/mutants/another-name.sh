#!/bin/sh
# about: the new pods get a Service under a new name, and nobody calls it; a rule is thought to be behind the alias
# fails: own: No visitor is to be told anything
# fails: what: This type has no address, no list and no ports
# fails: host: The other name was only used to find the address
# answer: what rule
# answer: host theirs
set -e
kubectl create service externalname payments --external-name=pay.partner.svc.cluster.local
kubectl expose deployment our-pay --port=8080
