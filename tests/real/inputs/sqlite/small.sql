-- SPDX-License-Identifier: MIT
SELECT 6 * 7;
