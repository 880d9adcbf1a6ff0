// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Where in the world an H3 cell is, roughly, and a map to show it on
/// @notice Coordinates are those of the cell's ancestor of resolution 1 (about 400 km across), to a degree of latitude and
/// two of longitude: enough for a dot on a map, and no more than a picture should tell.
library Geography {
    /// @dev By base cell (122) and first digit (7): latitude in degrees, longitude in units of two, signed bytes.
    bytes private constant CENTRES =
        hex"4f1354fc4d255526490e4d03491a4fca4ad74abf48cb57c951e150b54b494b59434745514f38534f473d46f13eef4ae642e8"
        hex"47fb41f74df3410500003c09420c41fe46043c02402d48303a3241363e254525392b40b13cb63caa39b048b243b944a83cd9"
        hex"35dd3bd135d644de3ce243d33c17421d35183a1e3d10431436123bc438cb36c034c643c240cb3dbd37403b46304034453a39"
        hex"3f3f333b37523759304f31553d4d3e56364b35fa2ffe32f42df93bfc36003af532ea2fef2de52bea3ae936ef34e432b80000"
        hex"2fb52cb937ba31bd36b53109300f2a062a0c3606370c30032e24312926242928321e36242a1f2eac30a732b035ab26ad28a9"
        hex"2bb12d332d3826312735332f34352c2e2bcf26d329ca24cf33d02dd430cb28c22bbd2cc62fc120c223be25c628dd22df28d8"
        hex"22db2ee028e22eda28162d1a2017251b29112f142213284825442f492d44224b2047294d273d0000223c23402d3c2a402739"
        hex"235523502a582a521b571c52225a22f31df71fef1af32bf425f827ef22b61fba1db31ab729b526ba24b2220023041afe1c02"
        hex"28fd290120fb1ee71beb1ae416e826e623eb21e31d2b1f2f152a172e2128242c1a271c0c1c101509150e2309230e1c071b37"
        hex"193221382034153914351c3b1a1f1e23132017231e1c221f171c19d51fd21bd921d612d517d214d819ab18af13a912ad21aa"
        hex"1fae1ba718ca1dc61cce21ca10ca15c614ce18411945114012441d3e1f43163d18de000016db12de1ce115e11ddd144c1448"
        hex"1b4e1a490e4e0d4b155014bf17bb19c21cbe0cbf10bc11c2131612190d130c171a151918141211f90cfc0ef60af918fa13fd"
        hex"15f60fef0bf20ceb07ef17ef12f213eb0e030e0708020805140115050e000e560e5214591554085808540ea60db50ab808b1"
        hex"05b515b413b810b00ce40fe10fe813e404e408e108e80b25082212261023052803250d290a1d0000051c061f101d0d200b1a"
        hex"0a30082c1231102d0433022f0c3409db04de06d701da10db0cde0dd7083b093e0039023d0e380f3c0637070d0711010b010f"
        hex"0e0b0e0f080907d003d304cd00d00fd10bd40ccd05c609c308c90dc6fec602c301c905ab02ae00a8fdac0caa0aae07a70545"
        hex"0649fd44fe480b420c46034102fd0000fffbfdfe08fe020006fb014f0253fa4efb51074d0851ff4c00bdfec0fbbaf9bd08bc"
        hex"05c003b90017001306180715f919f915001afff503f203f807f5f8f5fbf2fbf8fe57000002590356f857fc55fba6fbeb00e7"
        hex"ffef04ebf3ebf8e7f7effb05fc0102070203f406f503fb09fb20fc24f41ef522001e0221fa1cf92af726002bfe27f32df129"
        hex"fa2ef9b3fbaffdb600b2f1b4f4b0f6b7f8e1fdddfce400e1f1e0f5ddf4e4f735f531fe36fc32f237f033f938f6d6f1d9f3d2"
        hex"eed6fed7f9dafbd3f6c30000f8c6fbc3f1c1f7c0f1c5f5cbf0cef3c8eecbfdccf8cffac9f43ef542ee3def41fb3cfc40f43b"
        hex"f30ff30afa11fa0deb10ec0cf213f2fcf000edf9ebfdf9fcf7fff4f9f2a9f55af6acf9a9eaa9ee5aefadf149f045f84af746"
        hex"eb4bea47f24def53ed4ff654f450ea56e853f257edbcefb8f2bef4bbe6bde7b9ebc0ec19ed1de517e51bf217f31beb15ecf2"
        hex"e8f6e8eee4f2f3f2f0f5efefe8380000ee39ec36e339e536e83ce8e7ece4ebebf0e7e1e7e5e3e4ebe824e928e022e127ee21"
        hex"ef25e61fe705e801ed08ee04e007e103e50ae72fe933df2fe233ec2cee30e42be6c5ebc3e7caecc7dfc3e5c1e0c8e5dde2e0"
        hex"e2d9dedceddde9e0e9d9e4b2e7ade9b5ecb1dcb2dfaee1b6e3d1e9cee6d5ebd2dcd0e1cddfd5e241e23de943e83fdb43db3f"
        hex"e345de5ae356e2aae65ad75adb56daaade10df0ce513e50ed812d80ede15de4ddc48e64ee44ad851d64ce052ddfbdbffd8f7"
        hex"d5fce5fae3fee0f6d9e30000dbe7dfe3d5e1dbe0d4e5d8eed4f2d6ead1ede0eedcf2ddead8bce0bbd8c1dfbfd2b9dab7d1be"
        hex"d837d433df36db32d63cd138dd3ad81cd821d219d21fde19df1ed817d529d324dc2ada26d02ecd28d72ed3d9d7d4d7dddbd8"
        hex"cbd9cfd4d0ddd206d20bcc03cc09d904d909d301d2cad8c6d4cfdacbcac8d1c4cccecfafd3aad4b4d7aec8b0cbaacdb5ce12"
        hex"0000d315d310c812cc0ecc17ce44cf3ed546d541c747c740ce4acb54c94ed355d050c859c453cf59c9f8ccf2cdfdd0f7c1f9"
        hex"c5f2c6fec9e6cfe3caeccfe8c2e2c9dfc3eac51ec618cc22cc1cbe22bf1ac626c4bdcbbac3c4cac1bfb7c6b6bdc0c433c02b"
        hex"cc33c82dc13cbb34c939c00bbf02c60cc606bb12b807c212c0d3c7d3bcdbc4dabdcac4ccb8d2bfab0000c159bba7c2b1bbb1"
        hex"c5abba4bb347c044b93fbd53b654c24cb5efbbe6b9fbbdf1ade8b5deb1ffb124b312b829b81dac3bab11b436b1b9b6c5a9bb"
        hex"b0ceb5adb8b9af57";

    /// @dev Where people live, by fields of 4°, the left upper one at 76° N 180° W: SVG path of runs (places of 1,000 people
    /// and more, GeoNames, CC-BY 4.0).
    string internal constant LAND =
        "M30 0h.01M65 0h.01M5 1h.01M7 1h.01M11 1h.01M21 1h.01M27 1h.01M31 1h1M42 1h.01M48 1h6M63 1h.01M66 1h1"
        "M70 1h.01M73 1h.01M77 1h2M81 1h.01M85 1h2M0 2h4M7 2h1M10 2h1M13 2h.01M15 2h1M28 2h.01M31 2h1"
        "M35 2h.01M39 2h2M47 2h9M58 2h6M66 2h1M70 2h.01M72 2h1M75 2h.01M77 2h1M80 2h.01M82 2h1M89 2h.01M3 3h1"
        "M7 3h5M14 3h3M21 3h.01M26 3h1M32 3h1M39 3h.01M43 3h1M46 3h18M67 3h3M72 3h7M81 3h3M86 3h.01M89 3h.01"
        "M5 4h2M11 4h.01M14 4h1M17 4h.01M43 4h1M46 4h28M76 4h.01M79 4h1M82 4h.01M84 4h1M3 5h1M11 5h9M24 5h.01"
        "M28 5h1M42 5h34M78 5h2M84 5h.01M13 6h18M42 6h38M84 6h.01M13 7h18M43 7h38M13 8h15M42 8h36M80 8h1"
        "M14 9h12M37 9h1M42 9h35M79 9h1M14 10h12M28 10h.01M40 10h.01M42 10h6M50 10h1M53 10h27M15 11h9"
        "M40 11h35M77 11h.01M16 12h4M24 12h2M40 12h2M44 12h1M47 12h1M50 12h26M80 12h.01M5 13h1M17 13h3"
        "M22 13h5M40 13h1M44 13h2M49 13h.01M52 13h.01M54 13h2M58 13h1M62 13h13M6 14h.01M18 14h11M38 14h12"
        "M52 14h7M63 14h3M68 14h7M20 15h4M27 15h.01M29 15h1M38 15h20M63 15h2M69 15h3M74 15h2M81 15h.01"
        "M23 16h7M41 16h16M63 16h2M68 16h4M74 16h2M78 16h5M85 16h2M24 17h7M41 17h16M63 17h2M68 17h8M78 17h.01"
        "M80 17h5M87 17h.01M5 18h.01M24 18h8M46 18h10M63 18h.01M68 18h9M83 18h.01M88 18h.01M22 19h.01"
        "M24 19h12M46 19h9M63 19h.01M69 19h13M86 19h.01M24 20h12M41 20h.01M47 20h7M58 20h.01M70 20h5M78 20h6"
        "M89 20h.01M1 21h1M9 21h1M25 21h11M48 21h7M59 21h.01M71 21h6M80 21h2M84 21h2M89 21h.01M0 22h2"
        "M25 22h10M43 22h.01M48 22h9M69 22h.01M77 22h4M86 22h.01M89 22h.01M0 23h2M7 23h.01M10 23h.01M26 23h9"
        "M48 23h6M56 23h1M59 23h1M75 23h1M78 23h3M85 23h2M89 23h.01M1 24h.01M5 24h.01M7 24h.01M11 24h.01"
        "M27 24h7M48 24h5M55 24h4M73 24h2M78 24h4M86 24h.01M12 25h.01M17 25h.01M27 25h6M48 25h5M56 25h.01"
        "M73 25h.01M75 25h.01M77 25h.01M81 25h2M27 26h5M49 26h4M73 26h2M78 26h5M86 26h.01M26 27h5M49 27h3"
        "M73 27h2M78 27h5M88 27h.01M26 28h4M41 28h.01M79 28h3M88 28h1M0 29h.01M26 29h3M81 29h1M87 29h2"
        "M26 30h2M86 30h1M26 31h2M30 31h.01M62 31h.01M27 32h1M35 32h.01";

    /// @notice Degrees north and east of the cell's surroundings. Any value of the H3 index's bits gives some place.
    function centreOf(uint64 h3Cell) internal pure returns (int256 latitude, int256 longitude) {
        uint256 base = (h3Cell >> 45) & 127;
        uint256 digit = (h3Cell >> 42) & 7;
        // A cell of resolution 0 has digit 7: its own centre is that of its child 0.
        if (digit == 7) digit = 0;
        if (base > 121) return (0, 0);
        uint256 at = (base * 7 + digit) * 2;
        bytes memory centres = CENTRES;
        latitude = int8(uint8(centres[at]));
        longitude = int256(int8(uint8(centres[at + 1]))) * 2;
    }

    /// @notice Resolution of the cell, 0 to 15.
    function resolutionOf(uint64 h3Cell) internal pure returns (uint256) {
        return (h3Cell >> 52) & 15;
    }
}
