#!/bin/sh
# about: the partner's address instead of its name
# fails: alias: No program should have to know where the partner is today
set -e
kubectl create service externalname payments --external-name="$(kubectl get service pay -n partner -o jsonpath='{.spec.clusterIP}')"
